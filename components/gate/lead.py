"""Is the lead over a baseline proven, absent, or a question of more trips?

An interval of 95 % over shoppers has three answers. Its lower end is above the limit: the lead is proven. Its upper end
is below: there is no such lead. Otherwise it holds the limit, and more trips have to decide: not proven.
"""

import math

from components.artifacts.verdict import Reason
from model.evaluation.ranking_metrics import Interval

NO_LEAD = "no number of trips proves a lead that is not there"


def trips_to_prove(lead: Interval, limit: float, trips: int) -> int | None:
    """Judged trips with which a lead of the observed size would be proven; None when it is not above the limit.

    The distance from the lead d to the lower end of its interval is z standard errors over shoppers, and a standard
    error shrinks with the square root of the trips n, one a shopper. So with n' trips the lower end is at

        d - (d - low) sqrt(n / n'), which is the limit for n' = n ((d - low) / (d - limit))^2

    Args:
        lead: percent. limit: percent.
        trips: n, those that the interval is from.

    Example:
        >>> trips_to_prove(Interval(delta_pct=5.0, low_pct=-5.0, high_pct=15.0), 0.0, 200)
        800
        >>> trips_to_prove(Interval(delta_pct=-1.0, low_pct=-5.0, high_pct=3.0), 0.0, 200) is None
        True
    """
    above = lead.delta_pct - limit
    return math.ceil(trips * ((lead.delta_pct - lead.low_pct) / above) ** 2) if above > 0 else None


def lead_reason(check: str, lead: Interval, limit: float, trips: int, what: str) -> Reason:
    """Passes when the lower end of the interval is above the limit, and is not proven when only the upper end is.

    Args:
        what: names metric and rival, for the message.
    """
    passed = lead.low_pct > limit
    unproven = not passed and lead.high_pct >= limit
    message, needed = f"lower end of {what}", None
    if unproven:
        needed = trips_to_prove(lead, limit, trips)
        message += f"; {advice(needed, lead, limit, trips)}"
    return Reason(
        check=check,
        passed=passed,
        unproven=unproven,
        trips_needed=needed,
        value=lead.low_pct,
        threshold=limit,
        message=message,
    )


def advice(needed: int | None, lead: Interval, limit: float, trips: int) -> str:
    """What more trips could show; the arguments are those and the result of `trips_to_prove`."""
    if needed is not None:
        return f"{trips:,} trips, about {needed:,} would prove a lead of this size"
    if lead.delta_pct <= 0:
        return NO_LEAD
    return f"no number of trips proves that a lead of {lead.delta_pct:.1f} % is above {limit:g} %"
