"""Nearest items to a query vector by inner product: exact, or approximate where exact is slower.

Shape legend: N indexed items, d width of the towers, B queries.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np

from model.files import read_json, write_json

EXACT_UP_TO = 300_000
"""Items; above it the approximate index takes less CPU for a query (docs/serving.md)."""
MIN_RECALL = 0.95
"""Share of the true RECALL_AT nearest that an approximate index must find."""
RECALL_AT = 200
GROUPS = 2048
"""Of items, to find the best of each; many more than items are asked for."""
LIST_SIZE = 50
"""Items that train a list's centre, at most."""
_ABOUT, _LISTS = "index.json", "lists.faiss"


class Index(Protocol):
    """What retrieval needs."""

    about: dict[str, Any]
    """{"kind"} and for an approximate one how well it finds what is there; kept in the manifest."""

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """[B, k] int32 item indices of the k largest inner products of each [B, d] query, best first.

        Fewer indexed items than k: the rest is -1.
        """
        ...

    def save(self, path: Path) -> None: ...


def build_index(vectors: np.ndarray, items: np.ndarray, queries: Callable[[], np.ndarray]) -> Index:
    """The cheapest index that finds enough.

    Args:
        vectors: [N, d]. items: [N] their item indices.
        queries: gives [n, d] vectors like those that will be asked, at least one, to see what an approximate one finds.
    """
    if len(items) <= EXACT_UP_TO:
        return ExactIndex(vectors, items)
    return ListIndex.build(vectors, items, queries())


def load_index(path: Path) -> Index:
    """Either kind, from where `save` left it."""
    kinds: dict[str, Callable[[Path], Index]] = {"exact": ExactIndex.load, "lists": ListIndex.load}
    return kinds[read_json(path / _ABOUT)["kind"]](path)


class ExactIndex:
    """Brute force over [N, d] float32 vectors."""

    def __init__(self, vectors: np.ndarray, items: np.ndarray) -> None:
        self.about: dict[str, Any] = {"kind": "exact"}
        self._transposed = np.ascontiguousarray(vectors.T, dtype=np.float32)
        self._items = items.astype(np.int32)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """As Index.search."""
        scores = queries @ self._transposed
        nearest = np.full((len(queries), k), -1, np.int32)
        indexed = len(self._items)
        k = min(k, indexed)
        for row, (score_N, floor) in enumerate(zip(scores, _floors(scores, k), strict=True)):
            near = np.flatnonzero(score_N >= floor)
            nearest[row, :k] = self._items[near[np.argsort(-score_N[near], kind="stable")[:k]]]
        return nearest

    def save(self, path: Path) -> None:
        path.mkdir(parents=True)
        np.save(path / "vectors.npy", np.ascontiguousarray(self._transposed.T))
        np.save(path / "items.npy", self._items)
        write_json(path / _ABOUT, self.about)

    @classmethod
    def load(cls, path: Path) -> "ExactIndex":
        return cls(np.load(path / "vectors.npy", allow_pickle=False), np.load(path / "items.npy", allow_pickle=False))


def _floors(scores: np.ndarray, k: int) -> np.ndarray:
    """[B] a score that at least k of each row reach, and few more do: the k-th best among the best of each group.

    It saves a partition of the whole row, a quarter of a search.
    """
    groups = min(GROUPS, scores.shape[1] // 4)
    if not 0 < k <= groups:
        return np.full(len(scores), -np.inf)
    in_groups = scores.shape[1] // groups * groups
    best = scores[:, :in_groups].reshape(len(scores), -1, groups).max(axis=1)
    return np.partition(best, groups - k, axis=1)[:, groups - k]


class ListIndex:
    """Inverted lists (faiss IVF): items by their nearest centre; a query searches the lists of some centres."""

    def __init__(self, lists: Any, about: dict[str, Any]) -> None:
        self.about = about
        self._lists = lists
        self._lists.nprobe = about["probes"]

    @classmethod
    def build(cls, vectors: np.ndarray, items: np.ndarray, queries: np.ndarray) -> "ListIndex":
        """Searches twice as many lists until `queries` find MIN_RECALL of their true nearest, or through all."""
        vectors, width = np.ascontiguousarray(vectors, np.float32), vectors.shape[1]
        count = int(4 * np.sqrt(len(vectors)))
        lists = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, count, faiss.METRIC_INNER_PRODUCT)
        sample = np.random.default_rng(0).permutation(len(vectors))[: LIST_SIZE * count]
        lists.train(vectors[np.sort(sample)])
        lists.add_with_ids(vectors, items.astype(np.int64))
        exact = ExactIndex(vectors, items)
        true = np.concatenate([exact.search(query, RECALL_AT) for query in np.split(queries, len(queries))])
        probes = 8
        while True:
            probes = min(2 * probes, count)
            index = cls(lists, {"kind": "lists", "lists": count, "probes": probes})
            nearest = index.search(queries, RECALL_AT)
            recall = np.mean([np.isin(row, row_nearest).mean() for row, row_nearest in zip(true, nearest, strict=True)])
            if recall >= MIN_RECALL or probes == count:
                index.about[f"recall@{RECALL_AT}"] = round(float(recall), 4)
                return index

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """As Index.search; where the lists looked through hold fewer than k items, the rest is -1 too."""
        return self._lists.search(np.ascontiguousarray(queries, np.float32), k)[1].astype(np.int32)

    def save(self, path: Path) -> None:
        path.mkdir(parents=True)
        faiss.write_index(self._lists, str(path / _LISTS))
        write_json(path / _ABOUT, self.about)

    @classmethod
    def load(cls, path: Path) -> "ListIndex":
        return cls(faiss.read_index(str(path / _LISTS)), read_json(path / _ABOUT))
