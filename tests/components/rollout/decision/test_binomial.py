import pytest

from components.rollout.decision.binomial import probabilities


def test_small_distributions_by_pencil() -> None:
    assert probabilities(4, 0.5) * 16 == pytest.approx([1, 4, 6, 4, 1])
    assert probabilities(2, 0.1) * 100 == pytest.approx([81, 18, 1])
    assert probabilities(0, 0.3) == pytest.approx([1])


def test_certainty_is_exact() -> None:
    assert probabilities(3, 0.0).tolist() == [1, 0, 0, 0]
    assert probabilities(3, 1.0).tolist() == [0, 0, 0, 1]


def test_a_large_distribution_sums_to_one() -> None:
    assert probabilities(100_000, 0.1).sum() == pytest.approx(1)
