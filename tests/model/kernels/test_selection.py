"""The best of a list against a sort."""

import numpy as np
import pytest

from model.kernels.selection import best, best_of_each

INF = np.inf


def listed(scores: list[float], k: int) -> list[int]:
    key_P = np.empty(len(scores), np.int64)
    return key_P[: best(np.array(scores, np.float32), k, key_P)].tolist()


def test_the_highest_come_first_ties_by_position_and_minus_infinity_never() -> None:
    assert listed([1, 3, -INF, 3, -2], 3) == [1, 3, 0]
    assert listed([1, 3, -INF, 3, -2], 9) == [1, 3, 0, 4]
    assert listed([0.0, -0.0, 0.0], 2) == [0, 1]
    assert listed([], 3) == listed([-INF], 3) == listed([1.0], 0) == []


@pytest.mark.parametrize("size", [1, 2, 50, 1000])
@pytest.mark.parametrize("values", [2, 10**6])
def test_it_agrees_with_a_stable_sort(size: int, values: int) -> None:
    rng = np.random.default_rng(size)
    scores = rng.integers(-values, values, size).astype(np.float32)
    for k in {1, size // 3 + 1, size}:
        assert listed(scores.tolist(), k) == np.argsort(-scores, kind="stable")[:k].tolist()


def test_each_request_has_its_own_list() -> None:
    score_N, end_B = np.array([1, 2, 5, 9, 9, 4], np.float32), np.array([3, 3, 6])
    best_N, best_end_B = np.empty(6, np.int64), np.empty(3, np.int64)
    size = best_of_each(score_N, end_B, 2, best_N, best_end_B)
    assert best_N[:size].tolist() == [2, 1, 3, 4] and best_end_B.tolist() == [2, 2, 4]
