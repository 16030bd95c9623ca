"""What the pages show of one request: every model's list, with reasons that were put to the test.

Shape legend: k places shown.
"""

import dataclasses
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.api import Answer, Coded, Request
from model.package.explainable_model import OpenedModel
from pipelines.explore.counterfactuals import Examiner, Measured
from pipelines.explore.products import Product, Products
from pipelines.explore.query_string import Ask
from pipelines.explore.shoppers import Shoppers

SHOWN = 10
MOST_REASONS = 2
"""Reasons of an item in a list."""
SOURCES = {
    "bought_before": "own history",
    "often_together": "often bought together",
    "similar_taste": "similar taste (two towers)",
    "popular": "popular now",
    "popular_here": "popular at this store and time",
}
"""Candidate sources in words; others are shown by their names."""
CACHED = 64


@dataclass(frozen=True, kw_only=True)
class Role:
    """A model and what it is to the registry: stable, canary or previous."""

    name: str
    model: OpenedModel
    explained: bool
    """Made from the examples that are shown, so that its features can be computed here and reasons be tested."""
    card: str
    """Its model card, Markdown; empty without one."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One place of a list."""

    rank: int
    product: Product
    score: float
    source: str
    measured: tuple[Measured, ...]
    """Its causes, taken away one at a time, those first that the score would miss most."""
    before: int | None
    """Its place with an empty basket; None: no candidate then."""
    elsewhere: int | None
    """Its place in the other model's list; None: no candidate there."""

    @property
    def reasons(self) -> tuple[Measured, ...]:
        """What would lower the score most if it were not so."""
        return tuple(effect for effect in self.measured if effect.counts)[:MOST_REASONS]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One model's answer, or its part for the items that were asked for. `candidates`: {source in words: how many}."""

    role: Role
    entries: tuple[Entry, ...]
    candidates: dict[str, int]


class Lists:
    """Asks the models. One thing at a time: taking a cause away may touch a model's catalog for a moment."""

    def __init__(self, roles: Sequence[Role], examiner: Examiner, shoppers: Shoppers, products: Products) -> None:
        self.roles = tuple(roles)
        self._examiner, self._shoppers, self._products = examiner, shoppers, products
        self._lock = threading.Lock()
        self._ranked = lru_cache(CACHED)(self._rank)
        self._listed = lru_cache(CACHED)(self._list)

    def request(self, ask: Ask) -> Request:
        """As serving would receive it: what is in the basket was bought just now, and is not recommended again."""
        past = self._shoppers.past(ask.user_id, ask.time_s)
        basket = tuple(item for item in ask.basket if item in self._products)
        more = len(basket)
        return Request(
            user_id=ask.user_id,
            time_s=ask.time_s,
            history_item=[*past.items, *basket],
            history_time=np.array([*past.times, *[ask.time_s - 1] * more], np.int64),
            history_store=Coded.of([*past.stores, *[ask.store_id] * more]),
            history_quantity=np.array([*past.quantities, *[1.0] * more], np.float32),
            history_price=np.array([*past.prices, *[0.0] * more], np.float32),
            store_id=ask.store_id,
            attributes=past.attributes,
            k=SHOWN,
            exclude=basket,
            new_only=ask.new_only or None,
        )

    def listings(self, ask: Ask, item_id: str = "") -> list[Listing]:
        """Every model's list, stable first; of one item alone where it is named, empty where it is no candidate."""
        with self._lock:
            listing = self._list if item_id else self._listed
            return [listing(number, ask, item_id) for number in range(len(self.roles))]

    def _list(self, number: int, ask: Ask, item_id: str) -> Listing:
        role, answer = self.roles[number], self._ranked(number, ask)
        items = [item for item in answer.item_ids if item == item_id] if item_id else answer.item_ids[:SHOWN]
        effects = self._examiner(role.model, self.request(ask), items) if role.explained and items else {}
        entries = tuple(self._entry(number, ask, item, effects.get(item, [])) for item in items)
        candidates = Counter(_in_words(reason) for reason in answer.reasons)
        return Listing(role=role, entries=entries, candidates=dict(candidates.most_common()))

    def _entry(self, number: int, ask: Ask, item: str, effects: Sequence[Measured]) -> Entry:
        answer = self._ranked(number, ask)
        at = answer.item_ids.index(item)
        empty = self._ranked(number, dataclasses.replace(ask, basket=()))
        before = [i for i in empty.item_ids if i not in ask.basket] if ask.basket else empty.item_ids
        others = self._ranked(1 - number, ask).item_ids if len(self.roles) == 2 else []
        return Entry(
            rank=at + 1,
            product=self._products[item],
            score=answer.scores[at],
            source=_in_words(answer.reasons[at]),
            measured=tuple(effects),
            before=_place_in(before, item),
            elsewhere=_place_in(others, item),
        )

    def _rank(self, number: int, ask: Ask) -> Answer:
        return self.roles[number].model.everything([self.request(ask)])[0]


def _in_words(source: str) -> str:
    return SOURCES.get(source, source.replace("_", " "))


def _place_in(items: list[str], item: str) -> int | None:
    return items.index(item) + 1 if item in items else None
