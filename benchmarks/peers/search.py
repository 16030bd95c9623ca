"""Hyper-parameters of a peer, chosen by ndcg@10 on the first trips of shoppers in the days before the cut."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers.base import Peer
from components.evaluate.predictions import lists
from model.data.trips import Trips
from model.evaluation import ranking_metrics as metrics
from tfx_configs.units import DAY_S

VALID_DAYS = 14
METRIC = "ndcg@10"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The best settings, and what every setting of the grid scored."""

    settings: dict[str, Any]
    tried: list[dict[str, Any]]
    """[{settings, ndcg@10}]; empty where there was nothing to choose."""


def choose(make: Callable[..., Peer], grid: Sequence[Mapping[str, Any]], trips: Trips) -> Chosen:
    """Fits each setting on what is before the validation span and judges it on that span; the test span is not seen."""
    if len(grid) == 1:
        return Chosen(settings=dict(grid[0]), tried=[])
    earlier, which = validation(trips)
    tried: list[dict[str, Any]] = [
        {"settings": dict(settings), METRIC: judge(make(**settings).fit(earlier), earlier, which)} for settings in grid
    ]
    return Chosen(settings=max(tried, key=lambda one: one[METRIC])["settings"], tried=tried)


def validation(trips: Trips) -> tuple[Trips, np.ndarray]:
    """The trips with the cut VALID_DAYS earlier, and each known shopper's first trip between the two cuts."""
    earlier = dataclasses.replace(trips, cut_s=trips.cut_s - VALID_DAYS * DAY_S)
    which = earlier.first_test_trips()
    return earlier, which[trips.time_T[which] < trips.cut_s]


def judge(peer: Peer, trips: Trips, which: np.ndarray) -> float:
    """Mean ndcg@10."""
    items = lists(peer, trips, which, k=10, batch=len(which)).items_Nk
    baskets = [trips.basket(int(trip)) for trip in which]
    hits = metrics.find_hits(items, baskets, baskets)
    return metrics.mean_defined(metrics.ndcg(hits, 10))
