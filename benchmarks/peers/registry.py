"""The classical peers by name, the grid searched for each, and the search: the best ndcg@10 at a validation cut."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.base import Exported, Peer
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import Logistic
from components.evaluate.predictions import lists
from components.train.baselines.similarity import ease, ials, item_knn, tifu_knn, up_cf
from model.data.trips import Trips
from model.evaluation import ranking_metrics as metrics

METRIC = "ndcg@10"


def grid(**values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Every combination."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


PEERS: dict[str, tuple[Callable[..., Peer], list[dict[str, Any]]]] = {
    "popularity": (Popularity, grid()),
    "popularity of 7 days": (partial(Popularity, days=7.0), grid()),
    "last basket": (LastBasket, grid()),
    "P-TopFreq": (partial(TopFrequency, fills=False), grid()),
    "GP-TopFreq": (TopFrequency, grid()),
    "decayed frequency": (TopFrequency, grid(half_life_days=(30.0, 60.0, 90.0, 120.0, 180.0, 240.0))),
    "UP-CF": (
        partial(Exported, up_cf),
        grid(recent=(10, 25, 50), locality=(5.0, 10.0, 20.0), asymmetry=(0.25, 0.5, 0.75)),
    ),
    "TIFU-KNN": (
        partial(Exported, tifu_knn),
        grid(between=(0.6, 0.7, 0.8, 0.9), neighbours=(300,), share=(0.5, 0.7, 0.9)),
    ),
    "logistic": (Logistic, grid(trips=(1, 3, 6), half_life_days=(15.0, 30.0, 60.0))),
    "EASE": (partial(Exported, ease), grid(l2=(100.0, 300.0, 1000.0))),
    "item-kNN": (
        partial(Exported, item_knn),
        grid(shrink=(50.0,), own=(False,)) + grid(shrink=(200.0, 800.0, 3200.0), own=(True,)),
    ),
    "iALS": (partial(Exported, ials), grid(factors=(64, 128), alpha=(1.0,), regularization=(10.0, 100.0))),
}
"""{name: (class, grid)}; one empty setting where there is nothing to choose."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chosen:
    """The best settings, and what every setting of the grid scored."""

    settings: dict[str, Any]
    tried: list[dict[str, Any]]
    """[{settings, ndcg@10}]; empty where there was nothing to choose."""


def choose(make: Callable[..., Peer], grid: Sequence[Mapping[str, Any]], trips: Trips, which: np.ndarray) -> Chosen:
    """Fits each setting on what is before the cut of `trips` and judges it on the trips `which` after it."""
    if len(grid) == 1:
        return Chosen(settings=dict(grid[0]), tried=[])
    tried: list[dict[str, Any]] = [
        {"settings": dict(settings), METRIC: judge(make(**settings).fit(trips), trips, which)} for settings in grid
    ]
    return Chosen(settings=max(tried, key=lambda setting: setting[METRIC])["settings"], tried=tried)


def judge(peer: Peer, trips: Trips, which: np.ndarray) -> float:
    """Mean ndcg@10."""
    items = lists(peer, trips, which, k=10, batch=len(which)).items_Nk
    baskets = [trips.basket(int(trip)) for trip in which]
    hits = metrics.find_hits(items, baskets, baskets)
    return metrics.mean_defined(metrics.ndcg(hits, 10))
