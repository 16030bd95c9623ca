"""Treatment over control with an interval, with and without the variance that shoppers' past explains."""

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from components.rollout.decision.confidence_sequence import MAX_HALF, radius
from components.rollout.experiment.adjust import Arm, Shoppers, arms


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
    ratio, once = treatment.adjusted / control.adjusted, quantile(1 - alpha / 2) * se
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


def quantile(probability: float) -> float:
    """Of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)
