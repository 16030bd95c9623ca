"""The int8 scan finds what sorting every inner product finds, for any vectors."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.kernels.scan import FINITE, LANES, TOGETHER, _floor, encode, nearest

Blocks = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def encoded(vectors: np.ndarray, row_B: np.ndarray | None = None, rows_B: np.ndarray | None = None) -> Blocks:
    """Arguments of `nearest`; without a layout full blocks and a last one with the rest."""
    if row_B is None or rows_B is None:
        row_B = np.arange(0, len(vectors), LANES)
        rows_B = np.minimum(LANES, len(vectors) - row_B)
    vectors.flags.writeable = False  # as in the index, for which kernels are compiled already
    codes = np.full((len(row_B), -(-vectors.shape[1] // TOGETHER) * TOGETHER, LANES), 99, np.int8)
    bounds = np.empty((len(row_B), 3))
    encode(vectors, row_B, rows_B, codes, bounds)
    return codes, bounds, row_B, rows_B


def scanned(vectors: np.ndarray, query: np.ndarray, k: int) -> list[int]:
    blocks, rows = encoded(vectors), np.full(k, -7)
    n = nearest(*blocks, np.arange(len(blocks[0])), vectors, query, rows)
    assert (rows[n:] == -7).all()
    return rows[:n].tolist()


def scored(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    return (vectors.astype(np.float64) * query).sum(axis=1).clip(-FINITE, FINITE).astype(np.float32)


def check(vectors: np.ndarray, query: np.ndarray, k: int) -> None:
    """The scores of a full sort, distinct rows, equal scores by row; a score may be rounded the other way."""
    rows, true = scanned(vectors, query, k), scored(vectors, query)
    order = np.argsort(-true, kind="stable")[:k]
    np.testing.assert_allclose(true[rows], true[order], rtol=2e-7, atol=0)
    assert len(set(rows)) == len(rows) == min(k, len(vectors))
    if (true[rows] == true[order]).all():
        assert rows == order.tolist()


def uniform(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.uniform(-1, 1, (rows, width))


def clustered(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.normal(size=(9, width))[rng.integers(0, 9, rows)] + 0.01 * rng.normal(size=(rows, width))


def duplicates(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.normal(size=(7, width))[rng.integers(0, 7, rows)]


def equal(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return np.tile(rng.normal(size=width), (rows, 1))


def zero(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return np.zeros((rows, width))


def tiny(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return 1e-20 * rng.normal(size=(rows, width))


def subnormal(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return 1e-43 * rng.normal(size=(rows, width))


def of_all_sizes(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.normal(size=(rows, width)) * 10.0 ** rng.uniform(-15, 15, (rows, 1))


def one_huge(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    vectors = rng.normal(size=(rows, width))
    vectors[rows // 2] *= 1e30
    return vectors


def one_dimension_huge(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Its part is the same in every item, so that the codes of the others are all that differs, and are 0."""
    vectors = rng.normal(size=(rows, width))
    vectors[:, 0] = 1e6
    return vectors


def nearly_equal(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return np.tile(rng.normal(size=width), (rows, 1)) * (1 + 1e-6 * rng.normal(size=(rows, 1)))


def all_negative(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Below 0, the sum of a lane without an item."""
    return -np.abs(rng.normal(size=(rows, width)))


KINDS = (
    *(uniform, clustered, duplicates, equal, zero, tiny, subnormal, of_all_sizes, one_huge, one_dimension_huge),
    *(nearly_equal, all_negative),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_it_finds_what_sorting_everything_finds(kind: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(4)
    for rows, width, k in [(3000, 32, 200), (3000, 8, 1), (700, 5, 690), (40, 3, 50), (257, 1, 20), (1, 4, 1)]:
        vectors = kind(rng, rows, width).astype(np.float32)
        for query in (np.abs(rng.normal(size=width)), rng.normal(size=width), np.eye(width)[0], np.zeros(width)):
            check(vectors, query.astype(np.float32), k)


@settings(max_examples=200)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.integers(1, 1200), st.integers(1, 40), st.integers(0, 1300)
)
def test_it_does_so_for_any_size(seed: int, kind: Callable[..., np.ndarray], rows: int, width: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = kind(rng, rows, width).astype(np.float32)
    check(vectors, (10.0 ** rng.uniform(-9, 9) * rng.normal(size=width)).astype(np.float32), k)


def test_the_bound_of_a_row_holds_what_codes_leave_out() -> None:
    """The best by its codes is the second: (1, 0.4) and (1, 0.44) have equal codes in steps of 100 / 127."""
    vectors = np.array([[100, -300], [1, 0.4], [1, 0.44]], np.float32)
    codes = encoded(vectors)[0]
    assert codes[0, :2, 1].tolist() == codes[0, :2, 2].tolist()
    assert scanned(vectors, np.array([1, 1], np.float32), 1) == [2]


def test_equal_scores_keep_the_order_of_rows() -> None:
    assert scanned(np.ones((2000, 6), np.float32), np.ones(6, np.float32), 600) == list(range(600))


def test_only_the_wanted_blocks_are_searched() -> None:
    """Blocks of 3, 256 and 41 rows of 300; the first and the last hold rows 0 to 2 and 259 to 299."""
    vectors = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    blocks = encoded(vectors, np.array([0, 3, 259]), np.array([3, 256, 41]))
    rows, query = np.empty(20, np.int64), vectors[0].copy()
    assert nearest(*blocks, np.array([0, 2]), vectors, query, rows) == 20
    searched = np.concatenate([np.arange(3), np.arange(259, 300)])
    assert rows.tolist() == searched[np.argsort(-scored(vectors[searched], query))[:20]].tolist()
    assert nearest(*blocks, np.array([0]), vectors, query, rows) == 3
    assert nearest(*blocks, np.zeros(0, np.int64), vectors, query, rows) == 0


def test_lanes_without_a_row_have_no_codes() -> None:
    codes, _, _, _ = encoded(np.ones((3, 5), np.float32))
    assert (codes[0, :5, :3] == 127).all() and codes.sum() == 127 * 15


@pytest.mark.parametrize("values", ["normal", "one value", "far apart", "with a huge value"])
def test_a_floor_is_reached_by_enough_values_and_few_more(values: str) -> None:
    normal = np.random.default_rng(2).normal(size=5000)
    numbers = {
        "normal": normal,
        "one value": np.ones(5000),
        "far apart": np.exp(9 * normal),
        "with a huge value": np.append(normal, 1e12),
    }[values]
    for k in (1, 40, 672, 4999):
        reached = (numbers >= _floor(numbers, k)).sum()
        assert k <= reached and (values == "one value" or reached <= 1.125 * k + 1)
    assert _floor(numbers[:40], 40) == -np.inf


def test_threads_find_what_one_thread_finds() -> None:
    rng = np.random.default_rng(6)
    vectors, queries = rng.normal(size=(20_000, 16)).astype(np.float32), rng.normal(size=(64, 16)).astype(np.float32)
    alone, together = [scanned(vectors, query, 100) for query in queries], {}

    def search(first: int) -> None:
        for b in range(first, len(queries), 4):
            together[b] = scanned(vectors, queries[b], 100)

    threads = [threading.Thread(target=search, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[b] for b in range(len(queries))] == alone


@pytest.mark.parametrize("variable", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_no_index_is_out_of_bounds_and_plain_python_finds_the_same(variable: str, tmp_path: Path) -> None:
    code = """
import numpy as np
from model.kernels.scan import GROUP
from tests.model.kernels.test_scan import KINDS, check
rng = np.random.default_rng(3)
for kind in KINDS:
    for rows, width, k in [(2 * GROUP + 1, 5, 4), (300, 9, 40), (5, 4, 9)]:
        check(kind(rng, rows, width).astype(np.float32), rng.normal(size=width).astype(np.float32), k)
"""
    environment = os.environ | {variable: "1", "NUMBA_OPT": "0", "AISLE_KERNEL_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
