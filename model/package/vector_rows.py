"""Vectors in lists of neighbouring rows, and the search for the largest inner products within some of the lists.

Shape legend: N rows, d width of the towers, L lists, B blocks of rows, S rows that remain.
"""

from pathlib import Path

import numpy as np

from model.data.trips import slice_positions
from model.errors import StageFailed
from model.kernels.arrays import read_only
from model.kernels.compiler import is_plain
from model.kernels.scan import FINITE, LANES, TOGETHER, encode, nearest

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
        self.vector_Nd = read_only(vectors, np.float32)
        if vectors.size and not (np.isfinite(self.vector_Nd.min()) and np.isfinite(self.vector_Nd.max())):
            raise StageFailed(_NOT_FINITE.format("a vector"))
        if is_plain(encode):
            return
        blocks_L = -(-np.diff(self.begin_L) // LANES)
        self._first_L = np.concatenate([[0], np.cumsum(blocks_L)])
        self._row_B = (
            np.repeat(self.begin_L[:-1], blocks_L) + LANES * slice_positions(np.zeros_like(blocks_L), blocks_L)[0]
        )
        self._rows_B = np.minimum(LANES, np.repeat(self.begin_L[1:], blocks_L) - self._row_B)
        width = -(-self.vector_Nd.shape[1] // TOGETHER) * TOGETHER
        self._code_BDT = np.empty((len(self._row_B), width, LANES), np.int8)
        self._bound_B3 = np.empty((len(self._row_B), 3))
        self._block_B = np.arange(len(self._row_B))
        encode(self.vector_Nd, self._row_B, self._rows_B, self._code_BDT, self._bound_B3)

    @classmethod
    def load(cls, path: Path, begin_L: np.ndarray) -> "VectorRows":
        """The float vectors of a .npy file stay there: of those only what a search reads is in memory."""
        rows = cls(np.load(path, mmap_mode="r", allow_pickle=False), begin_L)
        # The pages that encoding has read go with their mapping.
        rows.vector_Nd = read_only(np.load(path, mmap_mode="r", allow_pickle=False), np.float32)
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
        if is_plain(nearest):
            return self._search_plain(query_d, lists, k)
        row_K = np.empty(k, np.int64)
        blocks = _ranges(self._first_L, lists) if len(lists) < len(self.begin_L) - 1 else self._block_B
        n = nearest(self._code_BDT, self._bound_B3, self._row_B, self._rows_B, blocks, self.vector_Nd, query_d, row_K)
        return row_K[:n]

    def _search_plain(self, query_d: np.ndarray, lists: np.ndarray, k: int) -> np.ndarray:
        """As the kernel, by NumPy: float32 inner products sieve, those rounded from float64 decide."""
        row_S = _ranges(self.begin_L, lists)
        vector_Sd = self.vector_Nd if len(row_S) == len(self.vector_Nd) else self.vector_Nd[row_S]
        if 0 < k < len(row_S):
            score_S = vector_Sd @ query_d
            length = float(np.sqrt(np.square(vector_Sd, dtype=np.float64).sum(axis=1).max()))
            error = _ROUNDING * len(query_d) * length * float(np.linalg.norm(query_d.astype(np.float64)))
            remaining = np.flatnonzero(score_S >= np.partition(score_S, -k)[-k] - 2 * error)
            row_S, vector_Sd = row_S[remaining], vector_Sd[remaining]
        score_S = (vector_Sd * query_d.astype(np.float64)).sum(axis=1).clip(-FINITE, FINITE).astype(np.float32)
        return row_S[np.argsort(-score_S, kind="stable")[:k]]


def _ranges(begin_L: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """What lies from the begin of each of the lists to that of the next."""
    return slice_positions(begin_L[lists], begin_L[lists + 1])[0]
