"""The peers that need TensorFlow: trees on the ranker's features, and the TFRS tutorial model."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.trees import Rows, rank, ranking_rows, reached, train_trees
from benchmarks.peers.tutorial import Tutorial
from components.artifacts.examples import Examples
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.features.records import feature_records
from tests.benchmarks.test_peers import ask
from tests.model.small_catalog import ITEMS, STORES, small_catalog
from tests.pencil_world import trips_of
from tests.worlds import market, run_settings, write
from tfx_configs.recipes import fast


class OneFeature:
    """In place of the trees: the score is one feature."""

    def __init__(self, name: str) -> None:
        self._column = [f.name for f in feature_records(small_catalog(), fast().features)].index(name)

    def predict(self, feature_CF: np.ndarray, **settings: object) -> np.ndarray:
        return feature_CF[:, self._column]


def test_trees_order_the_candidates_of_each_trip_by_the_rankers_features() -> None:
    """Of d, a, b and z, u bought b twice and a once; v bought d. Equal scores keep the candidates' order."""
    trips = trips_of(
        ("u", 60, "a b"), ("u", 61, "b"), ("v", 60, "d"), ("u", 101, "a"), ("v", 102, "a"), letters=ITEMS, stores=STORES
    )
    column = {item: i for i, item in enumerate(ITEMS)}
    union = np.array([[column[i] for i in "dabz"], [column["a"], column["d"], -1, -1]])
    which = trips.first_test_trips()
    best = rank(OneFeature("own_count"), fast(), trips, small_catalog(), which, union, k=3)
    assert ["".join(ITEMS[i] for i in row if i >= 0) for row in best] == ["bad", "da"]


def test_trees_learn_from_all_that_was_bought_and_a_share_of_the_rest_with_the_rankers_features(tmp_path: Path) -> None:
    run = run_settings(write(tmp_path / "source", **market(shoppers=64)))
    ingest(data=run.data, tables_dir=tmp_path / "tables")
    build_examples(run=run, tables_dir=tmp_path / "tables", examples_dir=tmp_path / "examples")
    examples = Examples(tmp_path / "examples")
    trips, catalog = examples.trips(), examples.catalog()
    whole, half = (
        ranking_rows(run.training(negative_percent=percent, new_only_percent=0.0), trips, catalog)[0]
        for percent in (100.0, 50.0)
    )
    assert whole.codes == catalog.attribute_IA.shape[1] + catalog.user_attribute_UD.shape[1]
    assert whole.feature_CF.shape == (len(whole.label_C), len(feature_records(catalog, run.features)) + whole.codes)
    assert whole.length_n.sum() == len(whole.label_C) and whole.length_n.min() > 0
    assert half.label_C.sum() == whole.label_C.sum() > 0
    assert (half.label_C == 0).sum() == pytest.approx((whole.label_C == 0).sum() / 2, rel=0.1)


def test_trees_split_by_the_codes() -> None:
    """The label depends on the category alone."""
    code_C = np.tile([0.0, 1.0, 2.0, 3.0], 500)
    rows = Rows(
        feature_CF=np.stack([np.zeros(2000), code_C], axis=1).astype(np.float32),
        label_C=(code_C == 2).astype(np.float32),
        length_n=np.full(500, 4),
        codes=1,
    )
    dense = rows._replace(feature_CF=rows.feature_CF[:, :1], codes=0)
    with_codes, without = (train_trees(each, each, {"num_leaves": 4}, seed=7) for each in (rows, dense))
    assert reached(with_codes) == 1.0 > reached(without)
    assert (with_codes.num_feature(), without.num_feature()) == (2, 1)


def test_the_tutorial_model_learns_who_buys_what_and_gives_strangers_what_is_popular() -> None:
    world = trips_of(*[(u, day, item) for u, item in ("ua", "vb") for day in range(1, 50)], ("w", 50, "a"))
    peer = Tutorial(epochs=40).fit(world)
    assert next(iter(ask(peer, user="u"))) == "a"
    assert next(iter(ask(peer, user="v"))) == "b"
    assert list(ask(peer, ("b", 1), user="stranger")) == ["a", "b"]
