"""The best of a list against NumPy's stable sort, ties, infinities and signed zeros included."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.kernels.selection import best, best_of_each

FLOATS = st.floats(width=32, allow_nan=False)
FEW = st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 2.0, np.inf, 1e-45, -1e-45])
SCORES = st.lists(st.one_of(FLOATS, FEW), max_size=80)


def chosen(scores: list[float], k: int) -> list[int]:
    key_P = np.full(len(scores) + 2, 7, np.int64)
    size = best(np.array(scores, np.float32), k, key_P[: len(scores)])
    assert key_P[len(scores) :].tolist() == [7, 7]
    return key_P[:size].tolist()


def by_numpy(scores: list[float], k: int) -> list[int]:
    score_P = np.array(scores, np.float32)
    order = np.argsort(-score_P, kind="stable")
    return order[score_P[order] > -np.inf][:k].tolist()


def test_the_highest_come_first_and_equal_ones_in_their_order() -> None:
    assert chosen([1.0, 3.0, 2.0, 3.0, -1.0], 3) == [1, 3, 2]
    assert chosen([5.0] * 6, 4) == [0, 1, 2, 3]


def test_negative_scores_are_in_order_as_well() -> None:
    assert chosen([-3.0, -1.0, -2.0, 0.5], 4) == [3, 1, 2, 0]


def test_minus_zero_equals_zero() -> None:
    assert chosen([-0.0, 0.0, -0.0, 1e-45, -1e-45], 5) == [3, 0, 1, 2, 4]


def test_minus_infinity_is_never_chosen_and_infinity_is_first() -> None:
    assert chosen([-np.inf, 1.0, np.inf, -np.inf], 10) == [2, 1]
    assert chosen([-np.inf] * 3, 2) == []


def test_what_is_no_number_is_never_chosen() -> None:
    assert chosen([1.0, np.nan, 2.0], 3) == [2, 0]


@pytest.mark.parametrize("k", [0, 1, 3, 4, 100])
def test_at_most_k_of_however_many_there_are(k: int) -> None:
    assert chosen([1.0, 2.0, 3.0], k) == [2, 1, 0][:k]
    assert chosen([], k) == []


@given(scores=SCORES, k=st.integers(0, 90))
@example(scores=[0.0, -0.0] * 20, k=7)
@example(scores=[float(n % 5) for n in range(80)], k=33)
def test_it_is_what_a_stable_sort_gives(scores: list[float], k: int) -> None:
    assert chosen(scores, k) == by_numpy(scores, k)


@pytest.mark.parametrize("values", [2, 50, 10**9])
def test_of_long_lists_too(values: int) -> None:
    """Thousands of scores, with many ties or hardly any; rising, falling and mixed."""
    rng = np.random.default_rng(values)
    mixed = rng.integers(-values, values, 5_000).astype(np.float32)
    for score_P in (mixed, np.sort(mixed), np.sort(mixed)[::-1]):
        for k in (1, 50, 672, 4_999, 5_000):
            assert chosen(score_P.tolist(), k) == by_numpy(score_P.tolist(), k)


@given(lists=st.lists(st.lists(FEW, max_size=12), max_size=6), k=st.integers(0, 6))
@example(lists=[[], [1.0, 2.0], [], [3.0]], k=1)
def test_each_request_has_its_own_best(lists: list[list[float]], k: int) -> None:
    score_N = np.array([score for scores in lists for score in scores], np.float32)
    end_B = np.cumsum([len(scores) for scores in lists], dtype=np.int64)
    best_N, best_end_B = np.empty(len(score_N), np.int64), np.empty(len(lists), np.int64)
    size = best_of_each(score_N, end_B, k, best_N, best_end_B)
    expected = [[int(end) - len(s) + p for p in by_numpy(s, k)] for s, end in zip(lists, end_B, strict=True)]
    assert best_N[:size].tolist() == [position for positions in expected for position in positions]
    assert best_end_B.tolist() == np.cumsum([len(positions) for positions in expected]).astype(int).tolist()
