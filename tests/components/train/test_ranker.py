"""The listwise loss with hand-computed values; what the ranker learns from."""

import math

import pytest

from components.train.ranker import RankingModel, listwise_loss, no_scorer
from model.networks.ranker import Ranker
from model.networks.recommender import Recommender
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog
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
    tf.keras.utils.set_random_seed(1)
    catalog, run = small_catalog(), RunSettings()
    recommender = Recommender(catalog, run, no_scorer)
    model = RankingModel(recommender, Ranker(catalog, len(recommender.features.records)), 100.0, new_only_percent)
    trip = batch(Ask(70, (("a", 60), ("e", 61))))
    fields = {name: tf.convert_to_tensor(value) for name, value in trip._asdict().items()}
    basket = {"basket_item": tf.constant([ITEMS.index("d"), ITEMS.index("e")]), "basket_row": tf.constant([0, 0])}
    sample = model.sample(fields | basket | {"retrieved_BR": tf.constant([[ITEMS.index("d")]])})
    return sorted(ITEMS[item] for item in sample[1].item_C.numpy())


def test_a_share_of_the_trips_teaches_the_order_of_what_is_new_alone() -> None:
    assert candidates(0.0) == ["a", "b", "d", "e"]
    assert candidates(99.999) == ["b", "d"]
