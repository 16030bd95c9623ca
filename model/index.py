"""Nearest items to a query vector by inner product. Exact: at these catalog sizes nothing approximate is faster."""

from pathlib import Path

import numpy as np


class ExactIndex:
    """Brute force over [N, d] float32 vectors; N indexed items, d the towers' width."""

    def __init__(self, vectors: np.ndarray, items: np.ndarray) -> None:
        self._transposed = np.ascontiguousarray(vectors.T, dtype=np.float32)
        self._items = items.astype(np.int32)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """[B, k] int32 item indices of the k largest inner products of each [B, d] query, best first.

        Fewer indexed items than k: the rest is -1.
        """
        scores = queries @ self._transposed
        found = np.full((len(queries), k), -1, np.int32)
        indexed = len(self._items)
        k = min(k, indexed)
        if k:
            best = np.argpartition(scores, indexed - k, axis=1)[:, indexed - k :]
            order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
            found[:, :k] = self._items[np.take_along_axis(best, order, axis=1)]
        return found

    def save(self, path: Path) -> None:
        path.mkdir(parents=True)
        np.save(path / "vectors.npy", np.ascontiguousarray(self._transposed.T))
        np.save(path / "items.npy", self._items)

    @classmethod
    def load(cls, path: Path) -> "ExactIndex":
        return cls(np.load(path / "vectors.npy", allow_pickle=False), np.load(path / "items.npy", allow_pickle=False))
