"""The sequence tower: what it may see, and the times that it works out from the events' weights."""

import numpy as np
import pytest

from model.features.recent import Recent, RecentEvents
from model.networks.sequence_tower import GAPS, SequenceTower, event_ages, gaps
from model.networks.two_tower import ItemTower
from model.system.legacy_keras import tf
from tests.model.small_catalog import Ask, batch, small_catalog

WIDTH = 8


@pytest.fixture(scope="module")
def tower() -> SequenceTower:
    """With weights that make every input count."""
    tf.keras.utils.set_random_seed(5)
    catalog = small_catalog()
    items = ItemTower(catalog.vocabulary_size, catalog.attribute_sizes, WIDTH)
    made = SequenceTower(items, catalog.user_attribute_sizes, WIDTH)
    made(asked(Ask(70, (("a", 60),))))
    rng = np.random.default_rng(3)
    for variable in made.variables:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return made


def asked(*asks: Ask) -> Recent:
    return Recent(*map(tf.constant, RecentEvents(small_catalog())(batch(*asks))))


def test_the_age_of_an_event_is_that_of_its_weights() -> None:
    """Also beyond a year, where what is halved every three days has faded."""
    recent = asked(Ask(1000, (("a", 10), ("b", 700), ("d", 999), ("e", 1000))))
    ages = event_ages(recent.weight_BRL).numpy()[0, -4:]
    assert ages.tolist() == pytest.approx([990, 300, 1, 0], abs=1e-3)


def test_a_gap_is_between_two_of_its_vectors() -> None:
    """0 hours is the first, 1 hour the second, 3 hours the third; 2 hours lie at log2(3) - 1 = 0.585 between them."""
    shares = gaps(tf.constant([[0.0, 1 / 24, 2 / 24, 3 / 24, 1e9]])).numpy()[0]
    assert shares.shape == (5, GAPS) and shares.sum(axis=1).tolist() == pytest.approx([1] * 5, abs=1e-4)
    assert shares[0, 0] == 1 and shares[1, 1] == pytest.approx(1) and shares[3, 2] == pytest.approx(1)
    assert shares[2, 1:3].tolist() == pytest.approx([2 - np.log2(3), np.log2(3) - 1], abs=1e-5)
    assert shares[4, -1] == 1


def test_what_is_asked_after_an_event_depends_on_no_later_one(tower: SequenceTower) -> None:
    """Two histories that differ in their last event, which comes at the same moment, and in the moment asked about."""
    recent = asked(Ask(70, (("a", 60), ("b", 62), ("d", 65))), Ask(80, (("a", 70), ("b", 72), ("e", 75))))
    places = tower.learned(recent, training=False).numpy().reshape(2, -1, WIDTH)
    np.testing.assert_allclose(places[0, -3:-1], places[1, -3:-1], atol=1e-4)
    assert np.abs(places[0, -1] - places[1, -1]).max() > 0.01


def test_the_last_place_is_what_is_asked_now(tower: SequenceTower) -> None:
    recent = asked(Ask(70, (("a", 60), ("b", 62), ("d", 65))), Ask(70))
    places = tower.learned(recent, training=False).numpy().reshape(2, -1, WIDTH)
    np.testing.assert_allclose(tower(recent).numpy(), places[:, -1], atol=1e-5)


@pytest.mark.parametrize(
    "other",
    [
        Ask(70, (("b", 60), ("a", 62), ("d", 65))),
        Ask(70, (("a", 50), ("b", 62), ("d", 65))),
        Ask(90, (("a", 60), ("b", 62), ("d", 65))),
        Ask(70, (("a", 60), ("b", 62), ("d", 65)), user=1),
    ],
    ids=["order", "gap", "moment", "shopper"],
)
def test_order_times_and_shopper_count(tower: SequenceTower, other: Ask) -> None:
    this, that = tower(asked(Ask(70, (("a", 60), ("b", 62), ("d", 65))), other)).numpy()
    assert np.linalg.norm(this) == pytest.approx(1, abs=1e-5)
    assert np.abs(this - that).max() > 1e-3


def test_a_shopper_without_history_has_a_vector(tower: SequenceTower) -> None:
    assert np.isfinite(tower(asked(Ask(70))).numpy()).all()
