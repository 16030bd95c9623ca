"""Treatment over control with an interval; what shoppers did before is taken out of what they did in it (CUPED).

Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment
Data" (WSDM 2013). The metric is a ratio of sums, hits over trips, with shoppers as the independent units; it is
linearized first (Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018): a shopper with y
hits on n trips, in an arm whose ratio is R and whose mean number of trips is m, counts as

    l = (y - R n) / m,        R's error = the error of the mean of l

and then what a regression of l on the shopper's past x explains is taken out. Shoppers are assigned at random, so their
past differs between the arms by chance alone, and what is taken out is noise.

Shape legend: S shoppers, P figures of a shopper's past.
"""

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from components.rollout.decision.confidence_sequence import MAX_HALF, radius


@dataclass(frozen=True, kw_only=True)
class Shoppers:
    """One row for each shopper who was exposed. Raises ValueError when the arrays do not fit together."""

    treated_S: np.ndarray
    """bool: has the treatment."""
    hits_S: np.ndarray
    trips_S: np.ndarray
    """At least 1: a shopper without a trip has no outcome and is left out before."""
    past_SP: np.ndarray
    """Their figures from before the experiment began; P may be 0. Nothing from after it may be in here."""

    def __post_init__(self) -> None:
        rows = {len(self.treated_S), len(self.hits_S), len(self.trips_S), len(self.past_SP)}
        if len(rows) != 1 or self.past_SP.ndim != 2:
            raise ValueError(f"shoppers: expected arrays of one length, past_SP with two axes, got {sorted(rows)} rows")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Hits per trip of one arm."""

    shoppers: int
    trips: int
    mean: float
    """As counted."""
    adjusted: float
    """With the past of all shoppers in place of that of this arm's."""
    se: float
    """Of `adjusted`."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Hits per trip of the treatment over those of the control: 1 is no difference."""

    control: Arm
    treatment: Arm
    rho_squared: float
    """Share of the shoppers' variance that their past explains; 0 without adjustment."""
    ratio: float
    low: float
    """Ends of the interval of a single evaluation, at the end that was planned."""
    high: float
    always_low: float
    """Ends of the interval that may be evaluated at any time."""
    always_high: float


def effect(shoppers: Shoppers, alpha: float, adjust: bool = True) -> Effect | None:
    """None where there is too little for an estimate: an arm without hits, or with fewer than two shoppers.

    Args:
        alpha: probability that an interval misses the truth.
        adjust: take out what the past explains.
    """
    if min(int(shoppers.treated_S.sum()), int((~shoppers.treated_S).sum())) < 2:
        return None
    if not adjust:
        shoppers = dataclasses.replace(shoppers, past_SP=np.zeros((len(shoppers.hits_S), 0)))
    control, treatment, rho_squared = arms(shoppers)
    if min(control.adjusted, treatment.adjusted) <= 0:
        return None
    # By the delta method var(log(a / b)) = (se_a / a)^2 + (se_b / b)^2.
    se = math.hypot(control.se / control.adjusted, treatment.se / treatment.adjusted)
    ratio, once = treatment.adjusted / control.adjusted, NormalDist().inv_cdf(1 - alpha / 2) * se
    always = min(radius(se, alpha), MAX_HALF)
    return Effect(
        control=control,
        treatment=treatment,
        rho_squared=rho_squared,
        ratio=ratio,
        low=ratio * math.exp(-once),
        high=ratio * math.exp(once),
        always_low=ratio * math.exp(-always),
        always_high=ratio * math.exp(always),
    )


def linearized(hits_S: np.ndarray, trips_S: np.ndarray) -> np.ndarray:
    """[S] the l above, of one arm; their mean is 0."""
    residual: np.ndarray = (hits_S - hits_S.sum() / trips_S.sum() * trips_S) / trips_S.mean()
    return residual


def explained(value_S: np.ndarray, past_SP: np.ndarray) -> float:
    """Share of the variance of `value_S` that the past explains, [0, 1]: the square of rho."""
    total = float(np.sum((value_S - value_S.mean()) ** 2))
    if total == 0 or not past_SP.shape[1]:
        return 0.0
    past_SP = past_SP - past_SP.mean(axis=0)
    left = value_S - value_S.mean() - past_SP @ np.linalg.lstsq(past_SP, value_S)[0]
    return max(0.0, 1.0 - float(left @ left) / total)


def arms(shoppers: Shoppers) -> tuple[Arm, Arm, float]:
    """(control, treatment, rho squared). Slopes are common to both, from the differences within each arm.

    Each arm needs two shoppers, else ValueError. The noise that both `adjusted` share, through the mean past of all,
    is in neither error: it cancels in their difference, and in their ratio to the first order.
    """
    sides = [~shoppers.treated_S, shoppers.treated_S]
    if min(int(side.sum()) for side in sides) < 2:
        raise ValueError("expected two shoppers or more in each arm")
    value_S, past_SP = np.zeros(len(shoppers.hits_S)), shoppers.past_SP.astype(float)
    for side in sides:
        value_S[side] = linearized(shoppers.hits_S[side], shoppers.trips_S[side])
        past_SP[side] -= past_SP[side].mean(axis=0)
    slope_P = np.linalg.lstsq(past_SP, value_S)[0]  # figures that are linear in others share one slope
    left_S = value_S - past_SP @ slope_P
    mean_P = shoppers.past_SP.mean(axis=0)
    control, treatment = (_arm(shoppers, side, left_S[side], slope_P, mean_P) for side in sides)
    return control, treatment, explained(value_S, past_SP)


def _arm(shoppers: Shoppers, side: np.ndarray, left_S: np.ndarray, slope_P: np.ndarray, mean_P: np.ndarray) -> Arm:
    count, trips = int(side.sum()), int(shoppers.trips_S[side].sum())
    mean = float(shoppers.hits_S[side].sum() / trips)
    by_chance = float((shoppers.past_SP[side].mean(axis=0) - mean_P) @ slope_P)
    se = float(np.sqrt(left_S @ left_S / (count - 1) / count))
    return Arm(shoppers=count, trips=trips, mean=mean, adjusted=mean - by_chance, se=se)
