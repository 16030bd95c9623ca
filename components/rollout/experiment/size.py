"""How many shoppers an experiment takes, and how many days.

Shape legend: S shoppers, V visits.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from components.rollout.experiment.estimate import explained, linearized


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a version does without an experiment."""

    mean: float
    """Hits per trip, above 0."""
    sd: float
    """Standard deviation of the linearized hits of a shopper (estimate.py): the error of the mean times root of S."""
    rho: float = 0.0
    """Correlation with the shopper's figures from before, [0, 1)."""
    shoppers: int = 0
    """How many it was measured on."""


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits of a log, one value each."""

    day_V: np.ndarray
    """Whole days since the log's begin, from 0."""
    user_V: np.ndarray
    """The shopper's number, from 0."""
    hits_V: np.ndarray


def baseline(hits_S: np.ndarray, trips_S: np.ndarray, past_SP: np.ndarray) -> Baseline:
    """From shoppers as they were. Raises ValueError below two of them, or without a single hit."""
    if len(hits_S) < 2 or not hits_S.sum():
        raise ValueError(f"expected two shoppers and a hit, got {len(hits_S)} and {hits_S.sum():g}")
    value_S = linearized(hits_S, trips_S)
    return Baseline(
        mean=float(hits_S.sum() / trips_S.sum()),
        sd=float(value_S.std(ddof=1)),
        rho=math.sqrt(explained(value_S, past_SP)),
        shoppers=len(hits_S),
    )


def shoppers_needed(
    before: Baseline, relative_effect: float, power: float, alpha: float, share_percent: float = 50.0, rho: float = 0.0
) -> tuple[int, int]:
    """(control, treatment) shoppers to distinguish `relative_effect` from none in one evaluation at the end.

        n = (z(1 - alpha/2) + z(power))^2 (sd / mean)^2 (1 - rho^2) / log(1 + effect)^2 / (q (1 - q))

    shoppers in all, with q the treatment's share.

    Args:
        relative_effect: of the mean, above -1 and not 0: 0.02 is two percent more.
        power: probability to see it, (0.5, 1).
        alpha: probability to see one where there is none.
        rho: 0: without the variance reduction; before.rho: with it.
    """
    share = share_percent / 100
    quantile = NormalDist().inv_cdf
    width = (quantile(1 - alpha / 2) + quantile(power)) * before.sd / (math.log1p(relative_effect) * before.mean)
    total = width**2 * (1 - rho**2) / (share * (1 - share))
    return math.ceil(total * (1 - share)), math.ceil(total * share)


def days_needed(
    visits: Visits, relative_effect: float, power: float, alpha: float, share_percent: float = 50.0, rho: float = 0.0
) -> int | None:
    """Days like the first ones of a log until enough shoppers have come; None when the log is too short.

    With every day more shoppers have come, and each has more trips, so that both sides of the sum are counted again.
    """
    for day in range(int(visits.day_V.max()) + 1 if len(visits.day_V) else 0):
        until = visits.day_V <= day
        trips_S = np.bincount(visits.user_V[until])
        came = trips_S > 0
        hits_S = np.bincount(visits.user_V[until], visits.hits_V[until])[came]
        if came.sum() < 2 or not hits_S.sum():
            continue
        before = baseline(hits_S, trips_S[came], np.zeros((int(came.sum()), 0)))
        if sum(shoppers_needed(before, relative_effect, power, alpha, share_percent, rho)) <= before.shoppers:
            return day + 1
    return None
