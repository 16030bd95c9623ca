"""Teaches the baselines that know which items, or which shoppers, are alike.

Settings are those that the benchmark chose on the validation span before its last cut (docs/quality.md). Item-kNN is
the exception: there a product as its own neighbour made it nearly personal frequency, which is a baseline already.
Without that, and with the weakest shrinkage of the grid, it is the strong one where little is bought again.

Shape legend: U shoppers, I items, A of them bought before the cut, E of those in the head, N neighbours of an item.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from components.train.item_neighbours import incidence, item_neighbours
from components.train.past import Past
from model.baselines.item_similarity import Ease, ImplicitAls, ItemKnn
from model.baselines.user_similarity import TifuKnn, UpCf
from model.baselines.whole_catalog import CatalogScorer

HEAD = 3000
"""Items that EASE knows: the matrix to be inverted has a row for each."""


def item_knn(past: Past, neighbours: int = 100, shrink: float = 50.0, own: bool = False) -> ItemKnn:
    """From the baskets before the cut.

    Args:
        own: a product is its own neighbour too.
    """
    similar_II = item_neighbours(past, neighbours, shrink, own=own)
    counts_I = np.diff(similar_II.indptr)
    near_IN = np.zeros((past.items, int(counts_I.max())), np.int32)
    similar_IN = np.zeros(near_IN.shape, np.float32)
    item = np.repeat(np.arange(past.items), counts_I)
    place = np.arange(similar_II.nnz) - np.repeat(similar_II.indptr[:-1], counts_I)
    near_IN[item, place], similar_IN[item, place] = similar_II.indices, similar_II.data
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
}
SHOPPER_BASELINES: dict[str, Callable[[Past], CatalogScorer]] = {"up_cf": up_cf, "tifu_knn": tifu_knn}
"""They compare with every shopper's purchases, so they are not exported: benchmarks build them in memory."""


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
