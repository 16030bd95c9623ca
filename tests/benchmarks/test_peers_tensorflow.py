"""The peers that need TensorFlow: trees on the graph's features, and the TFRS tutorial model."""

import numpy as np
from model.features.graph import feature_records

from benchmarks.peers.trees import rank
from benchmarks.peers.tutorial import Tutorial
from tests.benchmarks.test_peers import ask
from tests.model.small_catalog import ITEMS, STORES, small_catalog
from tests.pencil_world import trips_of
from tfx_configs.recipes import fast


class OneFeature:
    """In place of the trees: the score is one feature."""

    def __init__(self, name: str) -> None:
        self._column = [f.name for f in feature_records(small_catalog(), fast().features)].index(name)

    def predict(self, feature_CF: np.ndarray, **settings: object) -> np.ndarray:
        return feature_CF[:, self._column]


def test_trees_order_the_candidates_of_each_trip_by_the_graphs_features() -> None:
    """Of d, a, b and z, u bought b twice and a once; v bought d. Equal scores keep the candidates' order."""
    trips = trips_of(
        ("u", 60, "a b"), ("u", 61, "b"), ("v", 60, "d"), ("u", 101, "a"), ("v", 102, "a"), letters=ITEMS, stores=STORES
    )
    column = {item: i for i, item in enumerate(ITEMS)}
    union = np.array([[column[i] for i in "dabz"], [column["a"], column["d"], -1, -1]])
    which = trips.first_test_trips()
    best = rank(OneFeature("own_count"), fast(), trips, small_catalog(), which, union, k=3)
    assert ["".join(ITEMS[i] for i in row if i >= 0) for row in best] == ["bad", "da"]


def test_the_tutorial_model_learns_who_buys_what_and_gives_strangers_what_is_popular() -> None:
    world = trips_of(*[(u, day, item) for u, item in ("ua", "vb") for day in range(1, 50)], ("w", 50, "a"))
    peer = Tutorial(epochs=40).fit(world)
    assert next(iter(ask(peer, user="u"))) == "a"
    assert next(iter(ask(peer, user="v"))) == "b"
    assert list(ask(peer, ("b", 1), user="stranger")) == ["a", "b"]
