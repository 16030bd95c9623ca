"""What every model takes and gives, in evaluation and in serving alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np

SOURCES = ("bought_before", "often_together", "similar_taste", "popular")
"""Reasons, in the order in which the sources are listed: an item of several counts for the first."""
POPULAR_HERE = "popular_here"
"""The reason in the place of similar taste for a shopper without a history: what is bought at this store, hour and
season."""
REASONS = (*SOURCES, POPULAR_HERE)
RECENT_EVENTS = 64
"""Events of a history that the query tower reads, the last ones."""


class Rung(StrEnum):
    """What made an answer, from the best to the cheapest.

    Example:
        >>> Rung("fewer_candidates") is Rung.FEWER
        True
    """

    FULL = "full"
    FEWER = "fewer_candidates"
    PERSONAL = "personal_frequency"
    POPULAR = "popular"


class Coded(NamedTuple):
    """Texts of few distinct values, like the stores of a history: the values, and which of them each entry is.

    Example:
        >>> stores = Coded.of(["corner", "centre", "corner"])
        >>> stores.names, stores.code_H.tolist(), stores.texts()
        (('centre', 'corner'), [1, 0, 1], ['corner', 'centre', 'corner'])
    """

    names: Sequence[str]
    code_H: np.ndarray
    """[H] int position in `names`."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Coded":
        """Those of these texts."""
        names = tuple(sorted(set(texts)))
        code_of = {name: code for code, name in enumerate(names)}
        return cls(names, np.array([code_of[text] for text in texts], np.int32))

    def texts(self) -> list[str]:
        """[H] each entry as text."""
        return [self.names[code] for code in self.code_H.tolist()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One shopper at one moment.

    Example:
        >>> import numpy as np
        >>> request = Request(
        ...     user_id="ann",
        ...     time_s=1_700_000_000,
        ...     history_item=["milk", "bread"],
        ...     history_time=np.array([1_699_000_000, 1_699_900_000]),
        ...     exclude=["tea"],
        ...     new_only=True,
        ... )
        >>> sorted(request.barred())
        ['bread', 'milk', 'tea']
    """

    user_id: str
    time_s: int
    """The moment of the request, unix seconds."""
    history_item: Sequence[str]
    """[H] item ids bought strictly before `time_s`, oldest first."""
    history_time: np.ndarray
    """[H] int64 unix seconds, ascending."""
    history_store: Coded | None = None
    """[H] ids of the stores of these events, empty where not known; None: none is known."""
    history_quantity: np.ndarray | None = None
    """[H] float32 pieces; None: one each."""
    history_price: np.ndarray | None = None
    """[H] float32 paid per piece, 0 where not known; None: none is known."""
    store_id: str = ""
    attributes: Sequence[tuple[str, str]] = field(default=())
    """(attribute, value) pairs of the shopper, from the store; a model passes over those it does not know."""
    k: int = 10
    k_new: int = 0
    """Items of a second shelf, of what the shopper has not bought before; the first is then of what they have. 0: there
    is one list."""
    exclude: Sequence[str] = field(default=())
    """Item ids that must not be in the answer."""
    within: Sequence[tuple[str, str]] = field(default=())
    """(attribute, value) pairs: the answer is to hold only items with one of the values of each attribute named."""
    new_only: bool | None = None
    """The answer is to hold only what the shopper has not bought before; None: as the task of the model has it."""
    detail: bool = False
    """The answer also reports what was ranked."""

    def asks_for_new(self, by_default: bool) -> bool:
        """Whether the answer is without the history. `by_default`: what holds where the request leaves it open."""
        return by_default if self.new_only is None else self.new_only

    def barred(self, by_default: bool = False) -> set[str]:
        """Item ids that are not in the answer, whatever they would score. `by_default`: as in asks_for_new."""
        return {*self.exclude, *self.history_item} if self.asks_for_new(by_default) else set(self.exclude)

    def only(self, at_H: np.ndarray) -> "Request":
        """The same request with these events alone, positions in the history, in this order.

        Example:
            >>> import numpy as np
            >>> request = Request(
            ...     user_id="ann", time_s=9, history_item=["milk", "tea"], history_time=np.array([3, 5])
            ... )
            >>> request.only(np.array([1])).history_item
            ['tea']
        """
        store, quantity, price = self.history_store, self.history_quantity, self.history_price
        return replace(
            self,
            history_item=[self.history_item[at] for at in at_H.tolist()],
            history_time=np.asarray(self.history_time)[at_H],
            history_store=None if store is None else Coded(store.names, store.code_H[at_H]),
            history_quantity=None if quantity is None else quantity[at_H],
            history_price=None if price is None else price[at_H],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """Every candidate that was ranked, best first, before rules and re-ranking.

    Example:
        >>> ranked = Ranked(item_ids=["milk", "tea"], scores=[0.5, 0.1], reasons=["bought_before", "popular"])
        >>> dict(zip(ranked.item_ids, ranked.scores, strict=True))
        {'milk': 0.5, 'tea': 0.1}
    """

    item_ids: list[str]
    scores: list[float]
    reasons: list[str]

    def only(self, places: Sequence[int]) -> "Ranked":
        """Those at these places, in this order."""
        return Ranked(
            item_ids=[self.item_ids[place] for place in places],
            scores=[self.scores[place] for place in places],
            reasons=[self.reasons[place] for place in places],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """What of one request the model has never seen.

    Example:
        >>> Unknown(shopper=True, store=False, history_items=2, exclude_items=0)
        Unknown(shopper=True, store=False, history_items=2, exclude_items=0)
    """

    shopper: bool
    """The model learned attributes of shoppers, and knows none of this one: only the history describes them."""
    store: bool
    """A store was named, and it is unknown."""
    history_items: int
    """Events whose item is not in the catalog: they are as if they had not been."""
    exclude_items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """At most k items, best first, no duplicates; with a second shelf, none is on both.

    Example:
        >>> answer = Answer(item_ids=["milk", "tea"], scores=[0.5, 0.1], reasons=["bought_before", "popular"])
        >>> answer.propensities
        []
    """

    item_ids: list[str]
    scores: list[float]
    reasons: list[str]
    """Why each is there: one of REASONS."""
    propensities: list[float] = field(default_factory=list)
    """With what probability each was to be in this answer; empty where nothing is left to chance
    (model/rerank/reranker.py)."""
    filled: int = 0
    """How many of them, at the end, were no candidates: popular items that fill up a short list."""
    new: "Answer | None" = None
    """The shelf of what is new to the shopper; None where the request asks for one list."""
    ranked: Ranked | None = None
    """Only where the request asked for detail and something was ranked."""
    unknown: Unknown | None = None
    """The same."""


class Model(Protocol):
    """A loaded model directory (model.package.loaded_model.load)."""

    version: str
    score_is_probability: bool
    """A score is the probability of a purchase on this trip; else it only orders a list."""

    def recommend(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer for each request, in order. Stateless and thread-safe."""
        ...
