"""Teaches the baselines that know which items, or which shoppers, are alike.

Settings are those that the benchmark chose on the validation span before its last cut (docs/quality.md). Item-kNN is
the exception: there a product as its own neighbour made it nearly personal frequency, which is a baseline already.
Without that, and with the weakest shrinkage of the grid, it is the strong one where little is bought again.

Shape legend: H events of all shoppers before the cut, U shoppers, T baskets, I items, A of them bought before the cut,
E of those in the head, N neighbours of an item.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from model.baselines.item_similarity import Ease, ImplicitAls, ItemKnn
from model.baselines.user_similarity import TifuKnn, UpCf
from model.baselines.whole_catalog import CatalogScorer
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.data.trip_numbers import trip_numbers
from model.data.trips import Trips
from model.errors import CheckFailed
from tfx_configs.settings import RunSettings

HEAD = 3000
"""Items that EASE knows: the matrix to be inverted has a row for each."""
BLOCK = 2048
"""Items whose similarities are computed at once."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """What there is to learn from."""

    batch: Batch
    """The histories of all shoppers as of the cut; a shopper's row is that of Trips.user_ids."""
    items: int
    popular_A: np.ndarray
    """[A] the items bought, most often bought first."""
    column_H: np.ndarray
    """[H] int64 place of each event's item in `popular_A`."""
    trip_gap_hours: float
    seed: int

    @classmethod
    def of(cls, trips: Trips, run: RunSettings) -> "Past":
        """Everything bought, and not returned, strictly before the cut. Raises CheckFailed when that is nothing."""
        own_E, users, items = trips.kept_events(trips.cut_s), len(trips.user_ids), len(trips.item_ids)
        if not own_E.any():
            raise CheckFailed("expected purchases before the cut to learn baselines from, got none; move the cut")
        batch = Batch(
            history_item_H=trips.event_item_E[own_E],
            history_time_H=trips.event_time_E[own_E],
            history_row_H=trips.event_user_E[own_E],
            time_B=np.full(users, trips.cut_s),
            store_B=np.zeros(users, np.int32),
            user_B=np.arange(1, users + 1, dtype=np.int32),
        )
        count_I = np.bincount(batch.history_item_H, minlength=items)
        order_I = np.argsort(-count_I, kind="stable")
        return cls(
            batch=batch,
            items=items,
            popular_A=order_I[: int((count_I > 0).sum())],
            column_H=np.argsort(order_I)[batch.history_item_H],
            trip_gap_hours=run.features.trip_gap_hours,
            seed=run.train.seed,
        )

    @property
    def shoppers(self) -> int:
        return len(self.batch.time_B)


def knows_shoppers(catalog: Catalog, trips: Trips) -> Catalog:
    """The catalog whose shoppers are those of the past, without attributes: so one who asks is found among them."""
    none = np.zeros((len(trips.user_ids) + 1, 0), np.int32)
    return dataclasses.replace(
        catalog, user_ids=trips.user_ids, user_attribute_names=(), user_attribute_sizes=(), user_attribute_UD=none
    )


def item_knn(past: Past, neighbours: int = 100, shrink: float = 50.0, own: bool = False) -> ItemKnn:
    """From the baskets before the cut: events further apart than the model's `trip_gap_hours` are different ones.

    Args:
        own: a product is its own neighbour too.
    """
    row_H = past.batch.history_row_H
    trip_H, trips_U = trip_numbers(row_H, past.batch.history_time_H, past.shoppers, past.trip_gap_hours)
    basket_H = (np.cumsum(trips_U) - trips_U)[row_H] + trip_H - 1
    bought_TA = incidence(basket_H, past.column_H, int(trips_U.sum()), len(past.popular_A))
    similar_AA = similarities(bought_TA, neighbours, shrink, own)
    counts_A = np.diff(similar_AA.indptr)
    near_IN = np.zeros((past.items, int(counts_A.max())), np.int32)
    similar_IN = np.zeros(near_IN.shape, np.float32)
    item = np.repeat(past.popular_A, counts_A)
    place = np.arange(similar_AA.nnz) - np.repeat(similar_AA.indptr[:-1], counts_A)
    near_IN[item, place], similar_IN[item, place] = past.popular_A[similar_AA.indices], similar_AA.data
    return ItemKnn(near_IN, similar_IN)


def ease(past: Past, l2: float = 300.0, head: int = HEAD) -> Ease:
    """From who bought which of the `head` items bought most often."""
    set_UA = incidence(past.batch.history_row_H, past.column_H, past.shoppers, len(past.popular_A))
    return Ease(past.popular_A[:head], ease_weights(set_UA[:, :head], l2), past.items)


def ials(
    past: Past, factors: int = 128, regularization: float = 10.0, alpha: float = 1.0, iterations: int = 10
) -> ImplicitAls:
    """From how often each shopper bought each item.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); the
    confidence of a purchased item is alpha * count in this library, of any other item 1.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    ones_H, shape = np.ones(len(past.column_H), np.float32), (past.shoppers, len(past.popular_A))
    count_UA = sp.csr_matrix((ones_H, (past.batch.history_row_H, past.column_H)), shape=shape)
    als = AlternatingLeastSquares(
        factors=factors,
        regularization=regularization,
        alpha=alpha,
        iterations=iterations,
        num_threads=1,
        random_state=past.seed,
    )
    als.fit(count_UA, show_progress=False)
    factor_If = np.zeros((past.items, factors), np.float32)
    factor_If[past.popular_A] = als.item_factors
    return ImplicitAls(factor_If, regularization, alpha)


def up_cf(past: Past, recent: int = 25, locality: float = 10.0, asymmetry: float = 0.5) -> UpCf:
    """Keeps every shopper's history."""
    return UpCf.of(
        past.batch,
        past.items,
        trip_gap_hours=past.trip_gap_hours,
        recent=recent,
        locality=locality,
        asymmetry=asymmetry,
    )


def tifu_knn(
    past: Past,
    groups: int = 7,
    within: float = 0.9,
    between: float = 0.7,
    neighbours: int = 300,
    share: float = 0.7,
) -> TifuKnn:
    """The same."""
    return TifuKnn.of(
        past.batch,
        past.items,
        trip_gap_hours=past.trip_gap_hours,
        groups=groups,
        within=within,
        between=between,
        neighbours=neighbours,
        share=share,
    )


NEIGHBOUR_BASELINES: dict[str, Callable[[Past], CatalogScorer]] = {
    "item_knn": item_knn,
    "ease": ease,
    "ials": ials,
    "up_cf": up_cf,
    "tifu_knn": tifu_knn,
}


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
    columns = bought_TI.tocsc()
    parts = []
    for start in range(0, items, BLOCK):
        both = (columns[:, start : start + BLOCK].T @ bought_TI).tocoo()
        row, column = both.row + start, both.col
        similar = both.data / (root_I[row] * root_I[column] + shrink)
        similar[row == column] = 1.0 if own else 0.0
        parts.append(_largest(row, column, similar, neighbours))
    row, column, similar = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return sp.csr_matrix((similar.astype(np.float32), (row, column)), shape=(items, items))


def ease_weights(set_UE: sp.csr_matrix, l2: float) -> np.ndarray:
    """[E, E] float32 from the bought item (row) to the scored one.

    Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019): with P = (X'X + l2 I)^-1,
    B_ij = -P_ij / P_jj and B_jj = 0.

    Args:
        set_UE: 1 where the shopper ever bought the item.
    """
    gram_EE = (set_UE.T @ set_UE).toarray().astype(np.float64)
    gram_EE[np.diag_indices_from(gram_EE)] += l2
    inverse_EE = np.linalg.inv(gram_EE)
    weight_EE = -inverse_EE / np.diag(inverse_EE)
    np.fill_diagonal(weight_EE, 0.0)
    return weight_EE.astype(np.float32)


def _largest(row: np.ndarray, column: np.ndarray, value: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
    """The k largest values above 0 of each row, of flat (row, column, value)."""
    order = np.lexsort((-value, row))
    row, column, value = row[order], column[order], value[order]
    start = np.flatnonzero(np.diff(row, prepend=-1))
    place = np.arange(len(row)) - np.repeat(start, np.diff(start, append=len(row)))
    largest = (place < k) & (value > 0)
    return row[largest], column[largest], value[largest]
