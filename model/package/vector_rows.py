"""Vectors in lists of neighbouring rows, and the search for the largest inner products within some of the lists.

Shape legend: N rows, d width of the towers, L lists, B blocks of rows, S rows that remain.
"""

from pathlib import Path
from types import FunctionType

import numpy as np

from model.errors import StageFailed
from model.kernels.scan import FINITE, LANES, TOGETHER, encode, nearest

PLAIN = isinstance(nearest, FunctionType)
"""Kernels are not compiled (NUMBA_DISABLE_JIT=1): NumPy scans float vectors instead and finds the same."""
_NOT_FINITE = "index: expected finite numbers, {} has NaN or infinity; train the towers again"
_ROUNDING = 2.0**-22
"""Share of |q| |v| for each dimension, more than what the order of a float32 sum changes."""


class VectorRows:
    """Safe to search from several threads."""

    def __init__(self, vectors: np.ndarray, begin_L: np.ndarray) -> None:
        """
        Args:
            vectors: [N, d], those of a list next to each other.
            begin_L: [L + 1] the row where each list begins, and N.

        Raises:
            StageFailed: a vector is not finite.
        """
        self.begin_L = np.asarray(begin_L, np.int64)
        self.vector_Nd = _constant(vectors)
        if vectors.size and not (np.isfinite(self.vector_Nd.min()) and np.isfinite(self.vector_Nd.max())):
            raise StageFailed(_NOT_FINITE.format("a vector"))
        if PLAIN:
            self._length = float(np.sqrt(np.square(self.vector_Nd, dtype=np.float64).sum(axis=1).max(initial=0.0)))
            return
        blocks_L = -(-np.diff(self.begin_L) // LANES)
        self._first_L = np.concatenate([[0], np.cumsum(blocks_L)])
        self._row_B = np.repeat(self.begin_L[:-1], blocks_L) + LANES * _counted(blocks_L)
        self._rows_B = np.minimum(LANES, np.repeat(self.begin_L[1:], blocks_L) - self._row_B)
        width = -(-self.vector_Nd.shape[1] // TOGETHER) * TOGETHER
        self._code_BDT = np.empty((len(self._row_B), width, LANES), np.int8)
        self._bound_B3 = np.empty((len(self._row_B), 3))
        encode(self.vector_Nd, self._row_B, self._rows_B, self._code_BDT, self._bound_B3)

    @classmethod
    def load(cls, path: Path, begin_L: np.ndarray) -> "VectorRows":
        """The float vectors of a .npy file stay there: of those only what a search reads is in memory."""
        rows = cls(np.load(path, mmap_mode="r", allow_pickle=False), begin_L)
        # The pages that encoding has read go with their mapping.
        rows.vector_Nd = _constant(np.load(path, mmap_mode="r", allow_pickle=False))
        return rows

    def search(self, query_d: np.ndarray, lists: np.ndarray, k: int) -> np.ndarray:
        """At most k rows of the largest inner products with a query, best first, equal ones by row.

        Args:
            query_d: finite. lists: the lists to search, in rising order.

        Raises:
            StageFailed: the query is not finite.
        """
        query_d = np.array(query_d, np.float32)
        if not np.isfinite(query_d).all():
            raise StageFailed(_NOT_FINITE.format("a query"))
        if PLAIN:
            return self._search_plain(query_d, lists, k)
        row_K = np.empty(k, np.int64)
        blocks = _ranges(self._first_L, lists)
        n = nearest(self._code_BDT, self._bound_B3, self._row_B, self._rows_B, blocks, self.vector_Nd, query_d, row_K)
        return row_K[:n]

    def _search_plain(self, query_d: np.ndarray, lists: np.ndarray, k: int) -> np.ndarray:
        """As the kernel: float32 inner products sieve, those rounded from float64 decide."""
        row_S = _ranges(self.begin_L, lists)
        vector_Sd = self.vector_Nd if len(row_S) == len(self.vector_Nd) else self.vector_Nd[row_S]
        if 0 < k < len(row_S):
            score_S = vector_Sd @ query_d
            error = _ROUNDING * len(query_d) * self._length * float(np.linalg.norm(query_d.astype(np.float64)))
            remaining = np.flatnonzero(score_S >= np.partition(score_S, -k)[-k] - 2 * error)
            row_S, vector_Sd = row_S[remaining], vector_Sd[remaining]
        score_S = (vector_Sd * query_d.astype(np.float64)).sum(axis=1).clip(-FINITE, FINITE).astype(np.float32)
        return row_S[np.argsort(-score_S, kind="stable")[:k]]


def _constant(vectors: np.ndarray) -> np.ndarray:
    """[N, d] contiguous float32, read-only, so that kernels are compiled for one kind of array."""
    view = np.ascontiguousarray(np.asarray(vectors), np.float32).view()
    view.flags.writeable = False
    return view


def _counted(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... up to each count, one after another."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _ranges(begin_L: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """What lies from the begin of each of the lists to that of the next."""
    counts = begin_L[lists + 1] - begin_L[lists]
    return np.repeat(begin_L[lists], counts) + _counted(counts)
