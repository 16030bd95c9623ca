"""Hand-computed scores by items that go together, for a shopper with a twice and d once, and one with nothing."""

import numpy as np
import pytest

from model.baselines.item_similarity import Ease, ImplicitAls, ItemKnn
from model.baselines.whole_catalog import CatalogScorer
from tests.model.small_catalog import ITEMS, Ask, batch

ASKED = batch(Ask(day=70, bought=[("a", 60), ("d", 60), ("a", 64)]), Ask(day=70))


def scored(scorer: CatalogScorer) -> dict[str, float]:
    """What is not 0 for the first shopper. The second has no score."""
    first, second = scorer(ASKED)
    assert not second.any()
    return {ITEMS[i]: float(first[i]) for i in np.flatnonzero(first)}


def test_item_knn_adds_up_the_similarities_of_every_purchase() -> None:
    """a is like b (0.5) and like itself (1), d like b (0.25) and like nothing else."""
    near = np.array([[1, 0], [0, 0], [1, 0], [0, 0], [0, 0]], np.int32)
    similar = np.array([[0.5, 1.0], [0.9, 0.0], [0.25, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    assert scored(ItemKnn(near, similar)) == pytest.approx({"b": 2 * 0.5 + 0.25, "a": 2.0})


def test_ease_takes_purchases_of_the_head_as_a_set() -> None:
    """The head is b and a: from a to b 0.5, from b to a 0.7; d is outside."""
    weight = np.array([[0.0, 0.7], [0.5, 0.0]], np.float32)
    assert scored(Ease(np.array([1, 0]), weight, len(ITEMS))) == pytest.approx({"b": 0.5})


def test_ials_solves_the_shopper_from_the_purchases() -> None:
    """One factor, a 1 and d 2 and e 3, so Y'Y = 14; with alpha 3, c is 6 for a, 3 for d:
    x = (6 * 1 + 3 * 2) / (14 + 1 + 5 * 1 + 2 * 4) = 12 / 28.
    """
    factors = np.array([[1.0], [0.0], [2.0], [3.0], [0.0]])
    x = 12 / 28
    assert scored(ImplicitAls(factors, regularization=1.0, alpha=3.0)) == pytest.approx(
        {"a": x, "d": 2 * x, "e": 3 * x}
    )
