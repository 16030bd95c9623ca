"""Hits per trip, canary over stable, with an interval that may be evaluated after every request.

A 95 % interval of the ordinary kind is wrong one time in twenty at one moment fixed beforehand; evaluated again and
again until it is conclusive, it is wrong far more often. The interval here is a confidence sequence: with probability
1 - alpha it covers the truth at every moment at once, so that the rollout may stop at any of them.
"""

import math
from typing import NamedTuple

from components.rollout.decision.evidence import Evidence

MIXTURES = ((0.8, 0.1), (0.2, 1.0))
"""(share of alpha, scale on the log scale): the first is sharp for losses of about a tenth, the second for gross ones
on little traffic."""
MAX_HALF = 700.0
"""exp of more is no number."""


class OutcomeRatio(NamedTuple):
    """Canary's hits per trip over stable's, with the ends of the always-valid interval."""

    ratio: float
    low: float
    high: float


def radius(se: float, alpha: float) -> float:
    """Half-width of the always-valid interval of an estimate whose standard error is `se` now.

    The normal mixture of Robbins (1970), as used by Johari, Koomen, Pekelis and Walsh, "Always Valid Inference"
    (Operations Research 2022), on estimates that are normal in the limit (Waudby-Smith et al., "Time-uniform central
    limit theory and asymptotic confidence sequences", Annals of Statistics 2024). With V = se^2 and mixing scale t,

        sqrt(V / (V + t^2)) * exp(t^2 d^2 / (2 V (V + t^2)))  >=  1 / alpha

    happens at any time, under no difference, with probability at most alpha; solved for d that is the half-width.
    `alpha` is divided among MIXTURES and the narrowest interval is taken, which the union bound allows.

    Args:
        se: standard error, same unit as the result; 0 gives 0, infinity infinity.
        alpha: probability that the truth is ever outside, both sides together, (0, 1).
    """
    if se == 0 or math.isinf(se):
        return se
    return min(_mixture(se**2, share * alpha, scale**2) for share, scale in MIXTURES)


def se_for(half: float, alpha: float) -> float:
    """The standard error whose half-width is `half`, above 0: how precise the estimate must become."""
    low, high = 0.0, half
    while high - low > 1e-4 * half:
        middle = (low + high) / 2
        low, high = (middle, high) if radius(middle, alpha) < half else (low, middle)
    return low


def requests_needed(evidence: Evidence, ratio: float, alpha: float) -> int | None:
    """Requests of both versions in all until the interval lies above `ratio`, if the estimate stays as it is.

    The error falls with the root of the requests: n' = n (se / se')^2. None when the estimate is not above `ratio`, or
    is not known yet.
    """
    estimate = outcome_ratio(evidence, alpha)
    if estimate is None or estimate.ratio <= ratio or not evidence.canary.hits:
        return None
    se = relative_error(evidence)
    if math.isinf(se):
        return None
    requests = evidence.canary.requests + evidence.stable.requests
    return math.ceil(requests * (se / se_for(math.log(estimate.ratio / ratio), alpha)) ** 2)


def relative_error(evidence: Evidence) -> float:
    """Standard error of log(canary / stable); by the delta method var(log(a / b)) = (se_a / a)^2 + (se_b / b)^2.

    A canary without a single hit has the relative error of a count of one, 1.
    """
    canary, stable = evidence.canary, evidence.stable
    error = canary.hits_per_trip_se / canary.hits_per_trip if canary.hits else 1.0
    return math.hypot(error, stable.hits_per_trip_se / stable.hits_per_trip)


def outcome_ratio(evidence: Evidence, alpha: float) -> OutcomeRatio | None:
    """Canary's hits per trip over stable's, always valid; None without hits of stable, or trips of the canary.

    A canary without a single hit is judged as if it had one: no hits in a few trips prove nothing.
    """
    canary, stable = evidence.canary, evidence.stable
    if not stable.hits or not canary.trips:
        return None
    ratio = max(canary.hits, 1) / canary.trips / stable.hits_per_trip
    shown = ratio if canary.hits else 0.0
    half = radius(relative_error(evidence), alpha)
    if half > MAX_HALF:
        return OutcomeRatio(shown, 0.0, math.inf)
    return OutcomeRatio(shown, shown * math.exp(-half), ratio * math.exp(half))


def _mixture(variance: float, alpha: float, scale: float) -> float:
    """Half-width by one normal mixture; `variance` and `scale` are squares."""
    wide = variance + scale
    return math.sqrt(2 * variance * wide / scale * (math.log(1 / alpha) + 0.5 * math.log(wide / variance)))
