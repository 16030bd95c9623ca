"""The listwise loss by pencil."""

import math

import pytest

from components.train.ranking import listwise_loss
from model.backend import tf


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
    one = [(math.log(3), 1.0), (0.0, 0.0)]
    assert loss(one, [(logit + 500, bought) for logit, bought in one]) == pytest.approx(loss(one), abs=1e-4)
