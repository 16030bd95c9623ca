"""Means and leads over several training seeds, with intervals that hold the chance of shoppers and of seeds.

A round of the bootstrap draws shoppers with replacement and, of each ranker, as many seeds as it has, with replacement.
Of few seeds the spread comes out too narrow, by about a third of its variance where there are three.

Shape legend: S seeds, N judged trips, each another shopper's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ROUNDS = 1000
"""Of a bootstrap."""
LOW_HIGH = (0.025, 0.975)


class Pair(NamedTuple):
    """A metric of two rankers on the trips of one cut; NaN where it is undefined for the trip."""

    shopper_N: np.ndarray
    """[N] int, the same for a shopper at every cut."""
    candidate_SN: np.ndarray
    reference_SN: np.ndarray
    """With its own number of seeds."""


def mean_interval(value_SN: np.ndarray, seed: int) -> dict[str, float]:
    """{mean, low, high} of the mean over seeds and over the trips where the metric is defined, 95 %."""
    defined_SN = value_SN[:, ~np.isnan(value_SN).any(axis=0)]
    if not defined_SN.size:
        return dict.fromkeys(("mean", "low", "high"), float("nan"))
    rng, trips = np.random.default_rng(seed), defined_SN.shape[1]
    drawn = [_of_seeds(defined_SN, rng)[rng.integers(0, trips, trips)].mean() for _ in range(ROUNDS)]
    low, high = np.quantile(drawn, LOW_HIGH)
    return {"mean": float(defined_SN.mean()), "low": float(low), "high": float(high)}


def lead(cuts: Sequence[Pair], seed: int) -> dict[str, float | None]:
    """{delta_pct, low_pct, high_pct}: the candidate's mean over the reference's, percent, on average of the cuts; 95 %.

    A round draws the same shoppers at every cut. None where the reference has no hit at some cut.
    """
    defined = [_defined(pair) for pair in cuts]
    none: dict[str, float | None] = dict.fromkeys(("delta_pct", "low_pct", "high_pct"))
    if any(not pair.reference_SN.sum() for pair in defined):
        return none
    rng, shoppers = np.random.default_rng(seed), 1 + max(int(pair.shopper_N.max()) for pair in defined)
    drawn = []
    for _ in range(ROUNDS):
        count_U = np.bincount(rng.integers(0, shoppers, shoppers), minlength=shoppers)
        sums = [[_of_seeds(of_ranker, rng) @ count_U[pair.shopper_N] for of_ranker in pair[1:]] for pair in defined]
        if all(reference for _, reference in sums):
            drawn.append(np.mean([100 * (candidate / reference - 1) for candidate, reference in sums]))
    low, high = np.quantile(drawn, LOW_HIGH)
    leads = [100 * (pair.candidate_SN.mean() / pair.reference_SN.mean() - 1) for pair in defined]
    return {"delta_pct": float(np.mean(leads)), "low_pct": float(low), "high_pct": float(high)}


def _defined(pair: Pair) -> Pair:
    """The trips where both are defined, for all seeds."""
    both_N = ~np.isnan(np.concatenate(pair[1:])).any(axis=0)
    return Pair(pair.shopper_N[both_N], pair.candidate_SN[:, both_N], pair.reference_SN[:, both_N])


def _of_seeds(value_SN: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[N] mean of as many seeds as there are, drawn with replacement."""
    mean_N: np.ndarray = value_SN[rng.integers(0, len(value_SN), len(value_SN))].mean(axis=0)
    return mean_N
