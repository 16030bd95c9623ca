"""Which items a request may list: the rules of its store, and the values that it asks for itself.

Shape legend: I items, M masks, Q items by popularity, C candidates.
"""

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model.api import SOURCES, Ranked, Request
from model.candidates.barred import AGAIN, ALWAYS, NEVER, Allowed, by_popularity
from model.data.catalog import Catalog
from model.kernels.tables import UNKNOWN, IdTable, numbers
from model.rerank.item_attributes import ItemValues
from model.rerank.reranker import Reranker

POPULAR = 1000
"""Of the most popular items that may be listed, kept for each mask."""
OFFERED = 100
"""Of these, candidates of a request with a mask."""
MASKS = 64
"""Kept at a time, a byte an item each."""
_POPULAR = SOURCES[-1]


@dataclass(frozen=True, kw_only=True)
class Mask:
    """What may be listed.

    Example:
        >>> Mask(may_I=None, popular_Q=np.array([2, 0], np.int32)).may_I is None
        True
    """

    may_I: np.ndarray | None
    """[I] uint8 as in Allowed; None: everything."""
    popular_Q: np.ndarray
    """[Q] int32 the most popular of what is always listed, best first."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What may be listed for one request; model.serving.contract holds answers to it.

    Example:
        >>> import pyarrow as pa
        >>> from model.kernels.tables import id_table
        >>> mask = Mask(may_I=np.array([1, 0, 1], np.uint8), popular_Q=np.array([2, 0], np.int32))
        >>> terms = Terms(items=id_table(pa.array(["bread", "milk", "tea"])), mask=mask, capped=False)
        >>> terms.codes(["milk", "tea", "gold"]).tolist()
        [0, 1, -1]
        >>> terms.offers({"tea"}, most=10)
        1
    """

    items: IdTable
    mask: Mask
    capped: bool
    """Whether a rule bounds how many of a kind are listed."""

    @property
    def rules(self) -> Mask:
        """Another object once other rules are current."""
        return self.mask

    def codes(self, item_ids: Sequence[str]) -> np.ndarray:
        """[n] int8 NEVER, ALWAYS or AGAIN; UNKNOWN where an item is not in the catalog."""
        number_n = numbers(self.items, item_ids)
        unknown_n = number_n < 0
        if self.mask.may_I is None:
            code_n = np.full(len(number_n), ALWAYS, np.int8)
        else:
            code_n = self.mask.may_I[number_n].astype(np.int8)
        code_n[unknown_n] = UNKNOWN
        return code_n

    def offers(self, barred: set[str], most: int) -> int:
        """How many items, `most` at most, fill a list beside those barred; where a kind is capped, one is sure."""
        names = (self.items.name(item) for item in self.mask.popular_Q.tolist())
        sure = itertools.islice((name for name in names if name not in barred), 1 if self.capped else most)
        return sum(1 for _ in sure)


class Eligibility:
    """Makes each mask once. Safe to use from several threads.

    Example:
        `catalog` is that of the example of Catalog: bread was bought, milk was not.

        >>> from pathlib import Path
        >>> from tfx_configs.rerank import RerankSettings, Rule
        >>> import pyarrow as pa
        >>> from model.kernels.tables import id_table
        >>> values = ItemValues(Path("items.parquet"))
        >>> no_bread = Reranker(RerankSettings(), [Rule(action="exclude", values=("bread",))], values)
        >>> eligibility = Eligibility(catalog, id_table(pa.array(catalog.item_ids)), values)
        >>> request = Request(user_id="ann", time_s=0, history_item=[], history_time=np.empty(0))
        >>> eligibility.of(no_bread, request).may_I.tolist()
        [0, 1]
    """

    def __init__(self, catalog: Catalog, items: IdTable, values: ItemValues) -> None:
        self._items, self._values = items, values
        self._order_I = by_popularity(catalog)
        self._bought = int((catalog.decayed_WI[-1] > 0).sum())
        self._everything = Mask(may_I=None, popular_Q=self._order_I[: min(POPULAR, self._bought)])
        self._mask = functools.lru_cache(MASKS)(self._made)

    def of(self, reranker: Reranker, request: Request) -> Mask:
        """What the rules, in the request's store, and the request itself allow. Raises InputError where it asks for an
        attribute, or a value, that no item has."""
        store_id = request.store_id if request.store_id in reranker.stores else ""
        if not request.within and not reranker.bans(store_id):
            return self._everything
        return self._mask(reranker, store_id, tuple(sorted(request.within)))

    def _made(self, reranker: Reranker, store_id: str, within: tuple[tuple[str, str], ...]) -> Mask:
        may_I = np.full(len(self._order_I), ALWAYS)
        for rule, banned in reranker.bans(store_id):
            at = self._numbers(banned)
            may_I[at] = NEVER if rule.action == "exclude" else np.minimum(may_I[at] * AGAIN, AGAIN)
        for attribute in {name for name, _ in within}:
            wanted = self._values.codes(attribute, [value for name, value in within if name == attribute])
            others = np.ones(len(may_I), bool)
            others[self._numbers(wanted)] = False
            may_I[others] = NEVER
        # What was never bought fills a list only where a request names what it wants.
        order = self._order_I if within else self._order_I[: self._bought]
        listed = order[may_I[order] == ALWAYS]
        return Mask(may_I=may_I, popular_Q=listed[:POPULAR])

    def _numbers(self, ids: Iterable[bytes]) -> np.ndarray:
        """[n] int32 those of the catalog."""
        number_n = numbers(self._items, [item.decode() for item in ids])
        return number_n[number_n != UNKNOWN]

    def filled(self, mask: Mask, listed: Ranked, wanted: int, barred: set[str]) -> Ranked:
        """The candidates, and where there are fewer than wanted, popular items that may be listed, below them all: no
        rule starves a list."""
        missing = wanted - len(listed.item_ids)
        if missing <= 0:
            return listed
        taken = barred.union(listed.item_ids)
        names = (self._items.name(item) for item in mask.popular_Q.tolist())
        more = [name for name in names if name not in taken][:missing]
        last = listed.scores[-1] if listed.scores else 0.0
        return Ranked(
            item_ids=listed.item_ids + more,
            scores=listed.scores + [_below(last, place) for place in range(len(more))],
            reasons=listed.reasons + [_POPULAR] * len(more),
        )

    def only_allowed(self, mask: Mask, listed: Ranked) -> Ranked:
        """Those of the candidates that are in the catalog and not excluded."""
        number_C = numbers(self._items, listed.item_ids)
        allowed_C = number_C != UNKNOWN
        if mask.may_I is not None:
            allowed_C &= mask.may_I[number_C] != NEVER
        return listed if allowed_C.all() else listed.only(np.flatnonzero(allowed_C).tolist())


def together(masks: Sequence[Mask]) -> Allowed:
    """The masks of the requests of a batch, for the kernels."""
    distinct = list({id(mask): mask for mask in masks if mask.may_I is not None}.values())
    if not distinct:
        return Allowed.everything()
    row = {id(mask): m for m, mask in enumerate(distinct)}
    popular_MQ = np.full((len(distinct), OFFERED), UNKNOWN, np.int32)
    for m, mask in enumerate(distinct):
        offered = mask.popular_Q[:OFFERED]
        popular_MQ[m, : len(offered)] = offered
    return Allowed(
        mask_B=np.array([row.get(id(mask), -1) for mask in masks], np.int32),
        may_MI=np.stack([mask.may_I for mask in distinct if mask.may_I is not None]),
        popular_MQ=popular_MQ,
    )


def _below(last: float, place: int) -> float:
    """A score under that of the last candidate, falling with the place."""
    return last / (2 + place) if last > 0 else last * (2 + place) - 1e-6 * (1 + place)
