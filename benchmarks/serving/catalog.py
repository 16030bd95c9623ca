"""What a larger catalog does to the index: time of a search, memory, and how much of what is there it finds.

Larger catalogs are made of real items' vectors with noise, and so are the queries.
"""

import time
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from model.package.vector_index import RECALL_AT, ExactIndex, build_index

ITEM_NOISE, QUERY_NOISE = 0.1, 0.15
"""Standard deviation in each direction; the vectors have length 1."""
QUERIES, ASKED_FOR = 200, 1000
SEED = 7


@threadpool_limits.wrap(limits=1)
def main(path: str, items: str) -> dict[str, Any]:
    """`path`: a saved model's index/vectors.npy."""
    real, rng = np.load(path, allow_pickle=False), np.random.default_rng(SEED)
    count = int(items)
    vectors = real[:count] if count <= len(real) else _near(real, count, ITEM_NOISE, rng)
    asked, tuning = (_near(real, QUERIES, QUERY_NOISE, rng) for _ in range(2))
    began = time.perf_counter()
    index = build_index(vectors, np.arange(len(vectors)), lambda: tuning)
    built_s = time.perf_counter() - began
    took_ms = []
    for query in asked:
        began = time.perf_counter()
        index.search(query[None], ASKED_FOR)
        took_ms.append(1000 * (time.perf_counter() - began))
    exact = ExactIndex(vectors, np.arange(len(vectors)))
    true = np.concatenate([exact.search(query[None], RECALL_AT) for query in asked])
    listed = index.search(asked, RECALL_AT)
    recall = np.mean([np.isin(row, nearest).mean() for row, nearest in zip(true, listed, strict=True)])
    return index.about | {
        "items": len(vectors),
        "p50_ms": round(float(np.percentile(took_ms, 50)), 2),
        "p99_ms": round(float(np.percentile(took_ms, 99)), 2),
        "build_s": round(built_s, 1),
        "rss_mb": round(psutil.Process().memory_info().rss / 1e6),
        f"index_recall@{RECALL_AT}": round(float(recall), 4),
    }


def _near(real: np.ndarray, rows: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """[rows, d] unit vectors near real ones, made piece by piece: all at once would need several times the memory."""
    made = np.empty((rows, real.shape[1]), np.float32)
    for start in range(0, rows, 100_000):
        part = real[rng.integers(0, len(real), min(100_000, rows - start))]
        part = part + noise * rng.standard_normal(part.shape, dtype=np.float32)
        made[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return made
