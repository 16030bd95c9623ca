import math

import pytest

from components.rollout.decision.proportions import share_bounds


def test_the_bounds_of_all_and_of_none_are_powers() -> None:
    """n of n come under p with probability p^n, none with (1 - p)^n."""
    assert share_bounds(5, 5, 0.001) == (pytest.approx(0.001 ** (1 / 5)), 1.0)
    assert share_bounds(0, 5, 0.001) == (0.0, pytest.approx(1 - 0.001 ** (1 / 5)))
    assert share_bounds(0, 0, 0.001) == (0.0, 1.0)


def test_at_its_bound_a_share_gives_the_count_or_more_with_probability_alpha() -> None:
    def tail(share: float) -> float:
        return sum(math.comb(20, k) * share**k * (1 - share) ** (20 - k) for k in range(4, 21))

    assert tail(share_bounds(4, 20, 0.01)[0]) == pytest.approx(0.01)
