"""Nearest items to a query vector by inner product: exact, or approximate where exact is slower.

Shape legend: N indexed items, d width of the towers, B queries, L lists, K items wanted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from model.files import read_json, write_json
from model.package.vector_rows import VectorRows

EXACT_UP_TO = 300_000
"""Items; there an exact search takes about 1.1 ms of CPU and one of lists 0.6, at a million 3.6 and 1.1 (k = 672)."""
MIN_RECALL = 0.95
"""Share of the true RECALL_AT nearest that an approximate index must find."""
RECALL_AT = 200
LISTS_PER_ROOT = 1
"""Lists for the root of the number of items: with 2 a build takes longer and, at a million items, a search too."""
LIST_SIZE = 50
"""Items that train a list's centre, at most."""
ROUNDS, SEED = 10, 0
"""Of k-means."""
FIRST_PROBES = 8
"""Lists that are searched, the first try."""
_ABOUT, _VECTORS, _ITEMS, _CENTRES, _BEGINS = "index.json", "vectors.npy", "items.npy", "centres.npy", "begins.npy"


class Index(Protocol):
    """What retrieval needs."""

    about: dict[str, Any]
    """{"kind"} and for an approximate one how well it finds what is there; kept in the manifest."""

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """[B, k] int32 item indices of the k largest inner products of each [B, d] query, best first.

        Fewer indexed items than k: the rest is -1.

        Raises:
            StageFailed: a query is not finite.
        """
        ...

    def save(self, path: Path) -> None: ...


def build_index(vectors: np.ndarray, items: np.ndarray, queries: Callable[[], np.ndarray]) -> Index:
    """The cheapest index that finds enough.

    Args:
        vectors: [N, d]. items: [N] their item indices.
        queries: gives [n, d] vectors like those that will be asked, at least one, to see what an approximate one finds.

    Raises:
        StageFailed: a vector is not finite.
    """
    if len(items) <= EXACT_UP_TO:
        return ExactIndex(vectors, items)
    return ListIndex.build(vectors, items, queries())


def load_index(path: Path) -> Index:
    """Either kind, from where `save` left it."""
    kinds: dict[str, Callable[[Path], Index]] = {"exact": ExactIndex.load, "lists": ListIndex.load}
    return kinds[read_json(path / _ABOUT)["kind"]](path)


class ExactIndex:
    """Every item is compared (model/kernels/scan.py). Of equal inner products the item given first comes first.

    Example:
        >>> index = ExactIndex(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), np.array([7, 8]))
        >>> index.search(np.array([[0.1, 0.9]], np.float32), k=2).tolist()
        [[8, 7]]
    """

    def __init__(self, vectors: np.ndarray | VectorRows, items: np.ndarray) -> None:
        """
        Args:
            vectors: [N, d], or rows of one list. items: [N].
        """
        self.about: dict[str, Any] = {"kind": "exact"}
        self._rows = vectors if isinstance(vectors, VectorRows) else VectorRows(vectors, np.array([0, len(vectors)]))
        self._item_N = items.astype(np.int32)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """As Index.search."""
        return _items(self._rows, self._item_N, queries, np.zeros((len(queries), 1), np.int64), k)

    def save(self, path: Path) -> None:
        path.mkdir(parents=True)
        np.save(path / _VECTORS, self._rows.vector_Nd)
        np.save(path / _ITEMS, self._item_N)
        write_json(path / _ABOUT, self.about)

    @classmethod
    def load(cls, path: Path) -> "ExactIndex":
        item_N = np.load(path / _ITEMS, allow_pickle=False)
        return cls(VectorRows.load(path / _VECTORS, np.array([0, len(item_N)])), item_N)


class ListIndex:
    """Inverted lists: items by their nearest centre; a query searches the lists of the nearest centres.

    Example:
        >>> vectors = np.random.default_rng(1).normal(size=(400, 4)).astype(np.float32)
        >>> index = ListIndex.build(vectors, np.arange(400), queries=vectors[:20])
        >>> index.search(vectors[:1], k=400).shape, index.about["recall@200"] >= MIN_RECALL
        ((1, 400), True)
    """

    def __init__(self, rows: VectorRows, items: np.ndarray, centres: np.ndarray, about: dict[str, Any]) -> None:
        """
        Args:
            rows: one list a centre. items: [N]. centres: [L, d].
        """
        self.about = about
        self._rows, self._item_N = rows, items.astype(np.int32)
        self._centre_Ld = centres
        self._centres = ExactIndex(centres, np.arange(len(centres)))

    @classmethod
    def build(cls, vectors: np.ndarray, items: np.ndarray, queries: np.ndarray) -> "ListIndex":
        """Searches half as many lists more until `queries` find MIN_RECALL of their true nearest, or through all."""
        vectors = np.ascontiguousarray(vectors, np.float32)
        centres, list_N = _clustered(vectors)
        order = np.argsort(list_N, kind="stable")
        begin_L = np.searchsorted(list_N[order], np.arange(len(centres) + 1))
        rows = VectorRows(vectors[order], begin_L)
        index = cls(rows, items[order], centres, {"kind": "lists", "lists": len(centres), "probes": len(centres)})
        true, probes = index.search(queries, RECALL_AT), FIRST_PROBES
        while True:
            index.about["probes"] = min(probes, len(centres))
            nearest = index.search(queries, RECALL_AT)
            recall = np.mean([np.isin(row, row_nearest).mean() for row, row_nearest in zip(true, nearest, strict=True)])
            if recall >= MIN_RECALL or probes >= len(centres):
                index.about[f"recall@{RECALL_AT}"] = round(float(recall), 4)
                return index
            probes += probes // 2

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """As Index.search; where the lists looked through hold fewer than k items, the rest is -1 too."""
        lists = np.sort(self._centres.search(queries, self.about["probes"]), axis=1)
        return _items(self._rows, self._item_N, queries, lists, k)

    def save(self, path: Path) -> None:
        path.mkdir(parents=True)
        np.save(path / _VECTORS, self._rows.vector_Nd)
        np.save(path / _ITEMS, self._item_N)
        np.save(path / _CENTRES, self._centre_Ld)
        np.save(path / _BEGINS, self._rows.begin_L)
        write_json(path / _ABOUT, self.about)

    @classmethod
    def load(cls, path: Path) -> "ListIndex":
        item_N, centres, begin_L = (np.load(path / name, allow_pickle=False) for name in (_ITEMS, _CENTRES, _BEGINS))
        return cls(VectorRows.load(path / _VECTORS, begin_L), item_N, centres, read_json(path / _ABOUT))


def _items(rows: VectorRows, item_N: np.ndarray, queries: np.ndarray, lists: np.ndarray, k: int) -> np.ndarray:
    """[B, k] int32 the nearest items in the lists [B, l] of each query, -1 where there are no more."""
    nearest = np.full((len(queries), k), -1, np.int32)
    for query, query_lists, query_nearest in zip(queries, lists, nearest, strict=True):
        item_K = item_N[rows.search(query, query_lists, k)]
        query_nearest[: len(item_K)] = item_K
    return nearest


def _clustered(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """([L, d] centres, [N] the centre of the largest inner product with each vector), by k-means on a sample."""
    import faiss  # serving needs no clustering, and starts faster without

    count = int(LISTS_PER_ROOT * np.sqrt(len(vectors)))
    means = faiss.Kmeans(
        vectors.shape[1], count, niter=ROUNDS, spherical=True, max_points_per_centroid=LIST_SIZE, seed=SEED
    )
    sample = np.random.default_rng(SEED).permutation(len(vectors))[: LIST_SIZE * count]
    means.train(vectors[np.sort(sample)])
    _, list_N1 = means.index.search(vectors, 1)
    return np.asarray(means.centroids), list_N1[:, 0]
