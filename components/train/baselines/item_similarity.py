"""Which items go together: similarities over baskets, EASE's weights, the factors of iALS.

Shape legend: T baskets, U shoppers, I items, E items of the head.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

BLOCK = 2048
"""Items whose similarities are computed at once."""


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


def als(count_UI: sp.csr_matrix, factors: int, regularization: float, alpha: float, iterations: int, seed: int) -> Any:
    """The library's model, learned from purchase counts; its `item_factors` are [I, factors] float32.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); the
    confidence of a purchased item is alpha * count in this library, of any other item 1.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=factors,
        regularization=regularization,
        alpha=alpha,
        iterations=iterations,
        num_threads=1,
        random_state=seed,
    )
    model.fit(count_UI, show_progress=False)
    return model


def _largest(row: np.ndarray, column: np.ndarray, value: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
    """The k largest values above 0 of each row, of flat (row, column, value)."""
    order = np.lexsort((-value, row))
    row, column, value = row[order], column[order], value[order]
    start = np.flatnonzero(np.diff(row, prepend=-1))
    place = np.arange(len(row)) - np.repeat(start, np.diff(start, append=len(row)))
    kept = (place < k) & (value > 0)
    return row[kept], column[kept], value[kept]
