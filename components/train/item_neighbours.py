"""Which items are bought together: the nearest neighbours of each item, for item-kNN and for the ranker's candidates.

Shape legend: H events of all shoppers, T windows of a shopper's purchases, I items, A of them bought, N neighbours.
"""

import dataclasses

import numpy as np
import scipy.sparse as sp

from components.train.past import Past
from components.train.trip_split import TrainingTrips
from model.data.catalog import Catalog
from model.data.neighbour_tables import Together
from model.data.time_split import ranking_start
from model.data.trip_numbers import trip_numbers
from model.data.trips import Trips, slice_positions
from model.ranking.recommender import best_positions
from model.system.disk_arrays import on_disk
from tfx_configs.stages import TrainStage

BLOCK = 512
"""Items whose similarities are computed at once."""
NEIGHBOURS, SHRINK, WINDOW = 100, 50.0, 5
"""Of what the ranker reads. More neighbours cost every request time."""
INT32, FLOAT32 = np.dtype(np.int32), np.dtype(np.float32)
TABLES = 8
"""That training reads, each of an equal part of its trips. One table from before all of them would know less, and less
of what is new, than the one that serves."""


def with_together(catalog: Catalog, trips: Trips, run: TrainStage, *moment_T: int) -> Catalog:
    """The catalog with the neighbours that purchases strictly before each of the moments, unix seconds, show; on
    disk."""
    begins, nears, similars = zip(*(_table(trips, run, moment_s) for moment_s in moment_T), strict=True)
    begin_TI = np.stack(begins)
    begin_TI[1:] += np.cumsum(begin_TI[:-1, -1])[:, None]
    together = Together(
        moment_T=np.array(moment_T, np.int64),
        begin_TI=begin_TI,
        near_N=on_disk(nears, INT32),
        similar_N=on_disk(similars, FLOAT32),
    )
    return dataclasses.replace(catalog, together=together)


def _table(trips: Trips, run: TrainStage, before_s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """([I + 1] where each item's neighbours begin, [N] which they are, [N] how similar), the latter on disk."""
    near = item_neighbours(Past.of(trips, run, before_s), NEIGHBOURS, SHRINK, window=WINDOW)
    return near.indptr.astype(np.int64), on_disk([near.indices], INT32), on_disk([near.data], FLOAT32)


def with_together_of(catalog: Catalog, trips: Trips, run: TrainStage, learning: TrainingTrips) -> Catalog:
    """The catalog with the neighbours that the ranker learns from: TABLES tables, the first as of the beginning of its
    trips' span."""
    time_N = trips.time_T[np.concatenate([learning.ranking, learning.valid])]
    later = np.quantile(time_N, np.arange(1, TABLES) / TABLES, method="lower")
    start_s = ranking_start(trips, run.train.ranking_days)
    return with_together(catalog, trips, run, *np.unique([start_s, *later]).astype(int).tolist())


def item_neighbours(past: Past, neighbours: int, shrink: float, *, window: int = 1, own: bool = False) -> sp.csr_matrix:
    """[I, I] float32: for each item (row) the `neighbours` most similar ones, the most similar first.

    Args:
        window: a basket counts together with those before it until there are so many purchases; events further apart
            than the model's `trip_gap_hours` are in different baskets.
        own: a product is its own neighbour too.
    """
    similar_AA = similarities(_bought(past, window), neighbours, shrink, own)
    counts_I = np.zeros(past.items, np.int64)
    counts_I[past.popular_A] = np.diff(similar_AA.indptr)
    similar_AA = similar_AA[np.argsort(past.popular_A)]  # rows by item, as the result has them
    column = past.popular_A.astype(np.int32)[similar_AA.indices]
    begin = np.concatenate([[0], np.cumsum(counts_I)])
    return sp.csr_matrix((similar_AA.data, column, begin), shape=(past.items, past.items))


def _bought(past: Past, window: int) -> sp.csr_matrix:
    """[T, A] float32: 1 for what was bought in each window."""
    row_H, shoppers = past.batch.history_row_H, past.shoppers
    trip_H, trips_U = trip_numbers(row_H, past.batch.history_time_H, shoppers, past.trip_gap_hours)
    basket_H = (np.cumsum(trips_U) - trips_U)[row_H] + trip_H - 1
    begin_T = np.searchsorted(basket_H, np.arange(trips_U.sum()))
    end_T = np.append(begin_T[1:], len(basket_H))
    first_T = np.maximum(end_T - window, np.searchsorted(row_H, row_H[begin_T]))
    at_N, window_N = slice_positions(begin_T[basket_H[np.minimum(first_T, begin_T)]], end_T)
    return incidence(window_N, past.column_H[at_N], len(begin_T), len(past.popular_A))


def incidence(row_N: np.ndarray, item_N: np.ndarray, rows: int, items: int) -> sp.csr_matrix:
    """[rows, items] float32: 1 at the given cells, however often they are given."""
    cells = sp.csr_matrix((np.ones(len(row_N), np.float32), (row_N, item_N)), shape=(rows, items))
    cells.data[:] = 1.0
    return cells


def similarities(bought_TI: sp.csr_matrix, neighbours: int, shrink: float, own: bool) -> sp.csr_matrix:
    """[I, I] float32: for each item (row) the `neighbours` most similar ones, by cosine over baskets.

    Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms" (WWW 2001), shrunk for rare pairs:
    sim(i, j) = |baskets with both| / (sqrt(|with i| |with j|) + shrink).

    Args:
        own: an item is its own neighbour (similarity 1), so that repeat purchases can be recommended for themselves.
    """
    items = bought_TI.shape[1]
    root_I = np.sqrt(np.bincount(bought_TI.indices, minlength=items))
    columns, blocks = bought_TI.tocsc(), []
    for start in range(0, items, BLOCK):
        both = columns[:, start : start + BLOCK].T @ bought_TI
        row, column = np.repeat(np.arange(start, start + both.shape[0]), np.diff(both.indptr)), both.indices
        similar = both.data / (root_I[row] * root_I[column] + shrink)
        similar[row == column] = 1.0 if own else 0.0
        best, end = best_positions(similar, both.indptr[1:], neighbours)
        above = similar[best] > 0
        end, best = np.append(0, np.cumsum(above))[end], best[above]
        blocks.append(sp.csr_matrix((similar[best], column[best], [0, *end]), shape=both.shape, dtype=np.float32))
    return sp.vstack(blocks, format="csr")
