"""The listwise loss with hand-computed values; what the ranker learns from."""

import math

import numpy as np
import pytest

from components.train.new_networks import new_networks, recommender_of
from components.train.ranker import LISTWISE, RankingModel, listwise_loss
from components.train.samples import RankingSamples
from model.data.batch import TripReader
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs.settings import RunSettings


def loss(*trips: list[tuple[float, float]]) -> float:
    """Of trips given as (logit, bought) pairs."""
    pairs = [pair for trip in trips for pair in trip]
    rows = [row for row, trip in enumerate(trips) for _ in trip]
    logits, labels = zip(*pairs, strict=True)
    return float(listwise_loss(tf.constant(logits), tf.constant(labels), tf.constant(rows), len(trips)))


def test_what_was_bought_has_a_share_of_the_softmax() -> None:
    """Logits log 3 and 0: the bought one has 3/4."""
    assert loss([(math.log(3), 1.0), (0.0, 0.0)]) == pytest.approx(-math.log(3 / 4))


def test_a_basket_of_four_counts_as_two_and_an_empty_one_nothing() -> None:
    """Four of four equal candidates: 4 log 4 / sqrt 4, over two trips."""
    assert loss([(0.0, 1.0)] * 4, [(5.0, 0.0)]) == pytest.approx(4 * math.log(4) / 2 / 2)


def test_trips_do_not_see_each_other_and_large_logits_are_safe() -> None:
    trip = [(math.log(3), 1.0), (0.0, 0.0)]
    assert loss(trip, [(logit + 500, bought) for logit, bought in trip]) == pytest.approx(loss(trip), abs=1e-4)


def candidates(new_only_percent: float) -> list[str]:
    """Items that the ranker learns from, of a shopper who bought a and e and is about to buy e and d."""
    catalog, run = small_catalog(), RunSettings()
    trips = build_trips(
        purchases(("u1", 60, "a"), ("u1", 61, "e"), ("u1", 70, "e d")), catalog.item_ids, seconds(90), 9
    )
    which, retrieved = np.array([2]), np.array([[ITEMS.index("d")]], np.int32)
    recommender = recommender_of(run, catalog, new_networks(run, catalog)[1])
    samples = RankingSamples(recommender, TripReader(trips, catalog), which, retrieved, 1, 100.0, new_only_percent)
    return sorted(ITEMS[item] for item in samples.candidates(np.array([0]), 0)[1].item_C)


def test_a_share_of_the_trips_teaches_the_order_of_what_is_new_alone() -> None:
    assert candidates(0.0) == ["a", "b", "d", "e"]
    assert candidates(99.999) == ["b", "d"]


def test_the_loss_is_that_of_each_candidate_and_of_each_trips_list() -> None:
    """Two trips, of which the second has no candidate that was bought; both losses by a second formula."""
    catalog, run = small_catalog(), RunSettings()
    ranker = new_networks(run, catalog)[1].ranker
    dense_CF = np.random.default_rng(1).normal(size=(5, ranker.mean_F.shape[0])).astype(np.float32)
    item_C, label_C = np.array([0, 1, 2, 3, 4]), np.array([1, 0, 1, 0, 0], np.float32)
    inputs = {
        "dense_CF": dense_CF,
        "vocabulary_C": catalog.vocabulary_I[item_C],
        "attribute_CA": catalog.attribute_IA[item_C],
        "user_CD": np.zeros((5, 1), np.int32),
        "label_C": label_C,
        "row_C": np.array([0, 0, 0, 1, 1], np.int32),
        "trip_B": np.array([8, 9]),
    }
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    logit_C = ranker(*(tensors[name] for name in ("dense_CF", "vocabulary_C", "attribute_CA", "user_CD"))).numpy()
    pointwise = np.mean(np.log1p(np.exp(logit_C)) - label_C * logit_C)
    softmax = np.log(np.exp(logit_C[:3]).sum()) - logit_C[[0, 2]]
    listwise = softmax.sum() / math.sqrt(2) / 2
    assert float(RankingModel(ranker).compute_loss(tensors)) == pytest.approx(pointwise + LISTWISE * listwise, rel=1e-4)
