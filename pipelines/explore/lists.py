"""What the pages show of one request: every model's list, with reasons that were put to the test.

Shape legend: k places shown.
"""

import dataclasses
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from model.api import Answer, Request
from model.package.explainable_model import OpenedModel
from pipelines.explore.counterfactuals import Examiner, Measured
from pipelines.explore.products import Product, Products
from pipelines.explore.query_string import Ask
from pipelines.explore.shoppers import Shoppers, request_of

SHOWN = 10
TOLD = 2
"""Reasons told of an item in a list."""
SOURCES = {
    "bought_before": "own history",
    "similar_taste": "similar taste (two towers)",
    "popular": "popular now",
}
"""Candidate sources in words; others are shown by their names."""
CACHED = 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One place of a list. `reasons`: what would lower the score most if it were not so, tested one at a time."""

    rank: int
    product: Product
    score: float
    source: str
    reasons: tuple[Measured, ...]
    tested: bool
    """The reasons could be tested: the model was made from the data that is shown."""
    before: int | None
    """Its place with an empty basket; None: no candidate then."""
    elsewhere: int | None
    """Its place in the other model's list; None: no candidate there."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A model and what it is to the registry: stable, canary or previous."""

    name: str
    model: OpenedModel
    explained: bool
    """Made from the examples that are shown, so that its features can be computed here."""
    card: str
    """Its model card, Markdown; empty without one."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One model's answer. `candidates`: {source in words: how many}."""

    role: Role
    entries: tuple[Entry, ...]
    candidates: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one item stands with one model; `entry` is None where it is no candidate."""

    role: Role
    entry: Entry | None
    measured: tuple[Measured, ...]
    candidates: int


class Lists:
    """Asks the models. One thing at a time: taking a cause away may touch a model's catalog for a moment."""

    def __init__(self, roles: Sequence[Role], examiner: Examiner, shoppers: Shoppers, products: Products) -> None:
        self.roles = tuple(roles)
        self._examiner, self._shoppers, self._products = examiner, shoppers, products
        self._lock = threading.Lock()
        self._ranked = lru_cache(CACHED)(self._rank)
        self._listed = lru_cache(CACHED)(self._list)

    def request(self, ask: Ask) -> Request:
        past = self._shoppers.past(ask.user_id, ask.time_s)
        basket = tuple(item for item in ask.basket if item in self._products)
        request = request_of(ask.user_id, ask.time_s, ask.store_id, past, basket, SHOWN)
        return dataclasses.replace(request, new_only=ask.new_only)

    def listings(self, ask: Ask) -> list[Listing]:
        """Every model's list, stable first."""
        with self._lock:
            return [self._listed(number, ask) for number in range(len(self.roles))]

    def places(self, ask: Ask, item_id: str) -> list[Place]:
        """Where the item stands with every model, and why."""
        with self._lock:
            return [self._place(number, ask, item_id) for number in range(len(self.roles))]

    def _place(self, number: int, ask: Ask, item_id: str) -> Place:
        role, answer = self.roles[number], self._ranked(number, ask)
        if item_id not in answer.item_ids:
            return Place(role=role, entry=None, measured=(), candidates=len(answer.item_ids))
        effects = self._effects(role, ask, [item_id])
        entry = self._entry(number, ask, answer.item_ids.index(item_id), effects)
        return Place(role=role, entry=entry, measured=tuple(effects.get(item_id, ())), candidates=len(answer.item_ids))

    def _list(self, number: int, ask: Ask) -> Listing:
        answer = self._ranked(number, ask)
        effects = self._effects(self.roles[number], ask, answer.item_ids[:SHOWN])
        entries = [self._entry(number, ask, at, effects) for at in range(min(SHOWN, len(answer.item_ids)))]
        candidates = Counter(source_words(reason) for reason in answer.reasons)
        return Listing(role=self.roles[number], entries=tuple(entries), candidates=dict(candidates.most_common()))

    def _effects(self, role: Role, ask: Ask, items: list[str]) -> dict[str, list[Measured]]:
        return self._examiner(role.model, self.request(ask), items) if role.explained and items else {}

    def _entry(self, number: int, ask: Ask, at: int, effects: dict[str, list[Measured]]) -> Entry:
        answer = self._ranked(number, ask)
        item = answer.item_ids[at]
        empty = self._ranked(number, dataclasses.replace(ask, basket=()))
        before = [i for i in empty.item_ids if i not in ask.basket] if ask.basket else empty.item_ids
        others = self._ranked(1 - number, ask).item_ids if len(self.roles) == 2 else []
        return Entry(
            rank=at + 1,
            product=self._products[item],
            score=answer.scores[at],
            source=source_words(answer.reasons[at]),
            reasons=tuple(effect for effect in effects.get(item, []) if effect.counts)[:TOLD],
            tested=self.roles[number].explained,
            before=_place_in(before, item),
            elsewhere=_place_in(others, item),
        )

    def _rank(self, number: int, ask: Ask) -> Answer:
        return self.roles[number].model.everything([self.request(ask)])[0]


def source_words(reason: str) -> str:
    return SOURCES.get(reason, reason.replace("_", " "))


def _place_in(items: list[str], item: str) -> int | None:
    return items.index(item) + 1 if item in items else None
