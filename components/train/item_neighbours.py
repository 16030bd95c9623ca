"""Which items are bought together: the nearest neighbours of each item, for item-kNN and for the ranker's candidates.

Shape legend: H events of all shoppers, T windows of a shopper's purchases, I items, A of them bought, N neighbours.
"""

import dataclasses

import numpy as np
import scipy.sparse as sp

from components.train.past import Past
from model.data.catalog import Catalog, Together
from model.data.trip_numbers import trip_numbers
from model.data.trips import Trips, slice_positions
from tfx_configs.settings import RunSettings

BLOCK = 512
"""Items whose similarities are computed at once."""
NEIGHBOURS, SHRINK, WINDOW, LEAST = 50, 10.0, 5, 2
"""Of what the ranker reads. More neighbours cost every request time."""


def with_together(catalog: Catalog, trips: Trips, run: RunSettings, before_s: int) -> Catalog:
    """The catalog with the neighbours that purchases strictly before the moment, unix seconds, show."""
    similar_II = item_neighbours(Past.of(trips, run, before_s), NEIGHBOURS, SHRINK, window=WINDOW, least=LEAST)
    together = Together(
        begin_I=similar_II.indptr.astype(np.int64),
        near_N=similar_II.indices.astype(np.int32),
        similar_N=similar_II.data.astype(np.float32),
    )
    return dataclasses.replace(catalog, together=together)


def item_neighbours(
    past: Past, neighbours: int, shrink: float, *, window: int = 1, least: int = 1, own: bool = False
) -> sp.csr_matrix:
    """[I, I] float32: for each item (row) the `neighbours` most similar ones, the most similar first.

    Args:
        window: a basket counts together with those before it until there are so many purchases; events further apart
            than the model's `trip_gap_hours` are in different baskets.
        least: windows that two items must have in common.
        own: a product is its own neighbour too.
    """
    row_H, shoppers = past.batch.history_row_H, past.shoppers
    trip_H, trips_U = trip_numbers(row_H, past.batch.history_time_H, shoppers, past.trip_gap_hours)
    basket_H = (np.cumsum(trips_U) - trips_U)[row_H] + trip_H - 1
    begin_T = np.searchsorted(basket_H, np.arange(trips_U.sum()))
    end_T = np.append(begin_T[1:], len(basket_H))
    first_T = np.maximum(end_T - window, np.searchsorted(row_H, row_H[begin_T]))
    at_N, window_N = slice_positions(begin_T[basket_H[np.minimum(first_T, begin_T)]], end_T)
    bought_TA = incidence(window_N, past.column_H[at_N], len(begin_T), len(past.popular_A))
    similar_AA = similarities(bought_TA, neighbours, shrink, own, least)
    row = past.popular_A[np.repeat(np.arange(len(past.popular_A)), np.diff(similar_AA.indptr))]
    order = np.argsort(row, kind="stable")
    counts_I = np.bincount(row, minlength=past.items)
    column = past.popular_A[similar_AA.indices]
    begin = np.concatenate([[0], np.cumsum(counts_I)])
    return sp.csr_matrix((similar_AA.data[order], column[order], begin), shape=(past.items, past.items))


def incidence(row_N: np.ndarray, item_N: np.ndarray, rows: int, items: int) -> sp.csr_matrix:
    """[rows, items] float32: 1 at the given cells, however often they are given."""
    cells = sp.csr_matrix((np.ones(len(row_N), np.float32), (row_N, item_N)), shape=(rows, items))
    cells.data[:] = 1.0
    return cells


def similarities(bought_TI: sp.csr_matrix, neighbours: int, shrink: float, own: bool, least: int = 1) -> sp.csr_matrix:
    """[I, I] float32: for each item (row) the `neighbours` most similar ones, by cosine over baskets.

    Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms" (WWW 2001), shrunk for rare pairs:
    sim(i, j) = |baskets with both| / (sqrt(|with i| |with j|) + shrink).

    Args:
        own: an item is its own neighbour (similarity 1), so that repeat purchases can be recommended for themselves.
    """
    items = bought_TI.shape[1]
    root_I = np.sqrt(np.bincount(bought_TI.indices, minlength=items))
    columns = bought_TI.tocsc()
    parts = []
    for start in range(0, items, BLOCK):
        both = (columns[:, start : start + BLOCK].T @ bought_TI).tocoo()
        common = both.data >= least
        row, column = both.row[common] + start, both.col[common]
        similar = both.data[common] / (root_I[row] * root_I[column] + shrink)
        similar[row == column] = 1.0 if own else 0.0
        parts.append(_largest(row, column, similar, neighbours))
    row, column, similar = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    begin = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=items))])
    return sp.csr_matrix((similar.astype(np.float32), column, begin), shape=(items, items))


def _largest(row: np.ndarray, column: np.ndarray, value: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
    """The k largest values above 0 of each row, of flat (row, column, value), rows in order, the largest first."""
    order = np.lexsort((-value, row))
    row, column, value = row[order], column[order], value[order]
    start = np.flatnonzero(np.diff(row, prepend=-1))
    place = np.arange(len(row)) - np.repeat(start, np.diff(start, append=len(row)))
    largest = (place < k) & (value > 0)
    return row[largest], column[largest], value[largest]
