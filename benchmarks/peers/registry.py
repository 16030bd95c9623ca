"""The classical peers by name, and the grid searched for each."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.peers.base import Exported, Peer
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import Logistic
from components.train.baselines.similarity import ease, ials, item_knn, tifu_knn, up_cf


def grid(**values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Every combination."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


PEERS: dict[str, tuple[Callable[..., Peer], list[dict[str, Any]]]] = {
    "popularity": (Popularity, grid()),
    "popularity of 7 days": (partial(Popularity, days=7.0), grid()),
    "last basket": (LastBasket, grid()),
    "P-TopFreq": (partial(TopFrequency, fills=False), grid()),
    "GP-TopFreq": (TopFrequency, grid()),
    "decayed frequency": (TopFrequency, grid(half_life_days=(30.0, 60.0, 120.0, 240.0))),
    "UP-CF": (partial(Exported, up_cf), grid(recent=(10, 25, 50), locality=(1.0, 10.0), asymmetry=(0.5,))),
    "TIFU-KNN": (partial(Exported, tifu_knn), grid(between=(0.5, 0.6, 0.7), neighbours=(300,), share=(0.3, 0.5, 0.7))),
    "logistic": (Logistic, grid(trips=(1, 3, 6), half_life_days=(15.0, 30.0, 60.0))),
    "EASE": (partial(Exported, ease), grid(l2=(100.0, 300.0, 1000.0))),
    "item-kNN": (
        partial(Exported, item_knn),
        grid(shrink=(50.0,), own=(False,)) + grid(shrink=(50.0, 200.0, 800.0), own=(True,)),
    ),
    "iALS": (partial(Exported, ials), grid(factors=(64, 128), alpha=(1.0,), regularization=(10.0, 100.0))),
}
"""{name: (class, grid)}; one empty setting where there is nothing to choose."""
