"""Means of what shoppers did, with intervals that know that one shopper's trips are alike; and how alike lists are.

Shape legend: N rows (trips), U independent shoppers.
"""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

Z95 = 1.959963984540054
"""Half of the width of a 95 % interval, in standard errors of a normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value and its standard error; infinite where it cannot be estimated."""

    value: float
    se: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z95 * self.se

    @property
    def high(self) -> float:
        return self.value + Z95 * self.se


def ratio(part_N: np.ndarray, whole_N: np.ndarray, shopper_N: np.ndarray) -> Estimate:
    """sum of part over sum of whole, NaN without a whole, its error by linearization (Cochran 1977, 6.2).

    With R = sum p_u / sum w_u over U shoppers: se = sqrt(U / (U - 1) * sum (p_u - R w_u)^2) / sum w_u.
    Infinite below two shoppers, so that nothing is concluded from one.
    """
    total = float(np.sum(whole_N))
    if total == 0:
        return Estimate(value=math.nan, se=math.inf)
    value = float(np.sum(part_N)) / total
    return Estimate(value=value, se=sum_se(part_N - value * whole_N, shopper_N) / total)


def sum_se(residual_N: np.ndarray, shopper_N: np.ndarray) -> float:
    """Standard error of a sum whose expectation is zero, rows of one shopper taken together; infinite below two."""
    shopper, _ = pd.factorize(shopper_N)
    sums_U = np.bincount(shopper, residual_N) if len(shopper) else np.zeros(0)
    if len(sums_U) < 2:
        return math.inf
    return math.sqrt(len(sums_U) / (len(sums_U) - 1) * float(sums_U @ sums_U))


def list_overlap(lists: Collection[Collection[str]]) -> float:
    """Share of a list that another list has too, mean over all pairs; one list a shopper, no item twice in a list.

    With n lists of mean length k and item i on c_i of them, the pairs share sum c_i (c_i - 1) items of n (n - 1) k
    possible: 1 when everybody gets the same, 0 when no two share an item, and for fewer than two shoppers.
    """
    count = Counter(item for items in lists for item in items)
    possible = (len(lists) - 1) * sum(count.values())
    return sum(c * (c - 1) for c in count.values()) / possible if possible > 0 else 0.0
