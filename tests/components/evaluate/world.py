"""A small seeded world as an examples artifact, and models that are plain functions of the request."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from components.artifacts.examples import Examples
from components.examples.catalog import build_catalog
from model.api import Answer, Request
from model.data import columns as c
from model.data.catalog import Catalog
from model.rerank.shelves import joined, shelves
from tests.trips_of_events import build_trips
from tfx_configs import recipes

CUT = pd.Timestamp("2020-03-01")
ITEM_IDS = np.array([f"i{i:03d}" for i in range(80)], dtype=object)


def write_examples(path: Path, shoppers: int = 40) -> Path:
    """Each shopper has 2 to 13 earlier trips and a test trip, mostly of a few favourites among 30 items."""
    rng = np.random.default_rng(5)
    liking = 0.8 ** np.arange(30) / np.sum(0.8 ** np.arange(30))
    rows = []
    for shopper in range(shoppers):
        taste = rng.choice(80, 30, replace=False)
        for trip in range(2 + shopper % 12):
            day = CUT - pd.Timedelta(days=1 + 5 * trip)
            rows += _trip(
                f"u{shopper:02d}", day, f"{shopper}-{trip}", rng.choice(taste, 4, replace=False, p=liking), shopper
            )
        size = 2 + shopper % 9
        bought = np.union1d(rng.choice(taste, size, replace=False, p=liking), rng.choice(80, 2))
        test_day = CUT + pd.Timedelta(days=shopper % 10)
        rows += _trip(f"u{shopper:02d}", test_day, f"{shopper}-test", bought, shopper)
    events = pd.DataFrame(rows, columns=[c.USER, c.TIME, c.BASKET, c.ITEM, c.STORE, c.PRICE])
    items = pd.DataFrame(
        {c.ITEM: ITEM_IDS, "department": [f"d{i % 8}" for i in range(80)], "brand": [f"b{i % 2}" for i in range(80)]}
    )
    users = pd.DataFrame({c.USER: [f"u{i:02d}" for i in range(0, shoppers, 3)], "age": "40"})
    trips = build_trips(events, ITEM_IDS, int(CUT.timestamp()), max_history=100)
    trips.save(path / trips.DIRECTORY)
    build_catalog(trips, trips.event_price_E, items, users, (), recipes.fast()).save(path / Catalog.DIRECTORY)
    items.to_parquet(Examples(path).items, index=False)
    return path


def _trip(user: str, day: pd.Timestamp, basket: str, items: np.ndarray, shopper: int) -> list[tuple]:
    moment = day + pd.Timedelta(hours=shopper % 24)
    return [(user, moment, basket, ITEM_IDS[i], f"s{shopper % 3}", 1.0) for i in items]


@dataclass(frozen=True)
class FunctionModel:
    """A model that is a function of one request."""

    version: str
    answer: Callable[[Request], list[str]]
    score_is_probability: bool = False
    score: float = 0.0
    """Of every item."""

    def recommend(self, requests: Sequence[Request]) -> list[Answer]:
        return joined(requests, [self._shelf(shelf) for request in requests for shelf in shelves(request)])

    def _shelf(self, request: Request) -> Answer:
        barred, bought = request.barred(), set(request.history_item)
        ids = [item for item in self.answer(request) if item not in barred and (not request.k_new or item in bought)]
        ids = ids[: request.k]
        return Answer(item_ids=ids, scores=[self.score] * len(ids), reasons=["popular"] * len(ids))


def frequency(request: Request) -> list[str]:
    """Own items, most often bought first."""
    return [item for item, _ in Counter(request.history_item).most_common()]


def latest(request: Request) -> list[str]:
    """Own items, last bought first."""
    return list(dict.fromkeys(reversed(request.history_item)))


def the_same(request: Request) -> list[str]:
    """All shoppers get the same items."""
    return list(ITEM_IDS[:20])
