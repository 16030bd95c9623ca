"""Personal frequency: what each shopper bought most, each purchase halved at a half-life.

Hu et al., "Modeling personalized item frequency information for next-basket recommendation" (SIGIR 2020).

Shape legend: H history events of all rows together, P distinct (row, item) pairs.
"""

import numpy as np

HALF_LIFE_DAYS = 120.0
"""Half-life of a model whose manifest names none."""


def decay(age_days_H: np.ndarray, half_life_days: float) -> np.ndarray:
    """[H] float64 weight of each event, 2^(-age / half-life); 1 at an infinite half-life."""
    return np.exp2(-age_days_H / half_life_days)


def top_frequency(
    row_H: np.ndarray, item_H: np.ndarray, age_days_H: np.ndarray, half_life_days: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ranks the items of each row by their decayed count.

    Args:
        row_H: int row (request or visit) of each event, in any order.
        item_H: int code of its item.
        age_days_H: days before the row's moment.

    Returns:
        (row_P, item_P, count_P): rows ascending; within a row the largest count first, equal ones by item code.
    """
    items = int(item_H.max(initial=0)) + 1
    pair_P, pair_H = np.unique(row_H.astype(np.int64) * items + item_H, return_inverse=True)
    count_P = np.bincount(pair_H, decay(age_days_H, half_life_days), minlength=len(pair_P))
    row_P, item_P = pair_P // items, pair_P % items
    order_P = np.lexsort((item_P, -count_P, row_P))
    return row_P[order_P], item_P[order_P], count_P[order_P]
