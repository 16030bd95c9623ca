"""From single replies to what the state machine looks at."""

import math
from collections.abc import Sequence

import numpy as np

from components.rollout.binomial import probabilities
from components.rollout.envoy import CANARY, STABLE
from components.rollout.machine import Evidence, VersionEvidence
from components.rollout.traffic import Reply


def gather(replies: Sequence[Reply], assigned_to_canary: int, canary_ready: bool) -> Evidence:
    """Evidence of one step.

    assigned_to_canary: requests that the split gave to the canary, as counted by the proxy. Those it did not answer
    with 200 itself are its errors, even where the stable version stepped in and the client saw nothing.
    """
    sides = {side: [reply for reply in replies if reply.version == side] for side in (STABLE, CANARY)}
    answered = sum(reply.status == 200 for reply in sides[CANARY])
    assigned = max(assigned_to_canary, len(sides[CANARY]))
    failed = sum(reply.status != 200 for reply in sides[STABLE])
    return Evidence(
        stable=_version(sides[STABLE], len(sides[STABLE]), failed),
        canary=_version(sides[CANARY], assigned, assigned - answered),
        canary_ready=canary_ready,
    )


def _version(replies: list[Reply], requests: int, errors: int) -> VersionEvidence:
    good = [reply for reply in replies if reply.status == 200]
    latencies = np.array([reply.latency_ms for reply in good] or [0.0])
    return VersionEvidence(
        requests=requests,
        errors=errors,
        shoppers=len({reply.user_id for reply in replies}),
        p50_ms=float(np.percentile(latencies, 50)),
        p99_ms=float(np.percentile(latencies, 99)),
        p99_low_ms=p99_low(latencies),
        trips=len(good),
        hits=sum(reply.hits for reply in good),
        hits_per_trip_se=clustered_se(good),
    )


def p99_low(values: np.ndarray) -> float:
    """Lower 99 % confidence bound of the 99th percentile of what `values` [n] were drawn from; 0 when n is too small.

    Of n draws, Binomial(n, 0.99) lie at or below the percentile, so the r-th smallest does with probability
    P(Binomial >= r): the bound is the largest such value with probability 0.99 or more. Of 10 it is the 9th.
    """
    below = np.cumsum(probabilities(len(values), 0.99))
    rank = int(np.searchsorted(below, 0.01))
    return float(np.sort(values)[rank - 1]) if rank > 0 else 0.0


def clustered_se(replies: Sequence[Reply]) -> float:
    """Standard error of hits per trip, a ratio of sums over independent shoppers (linearization; Cochran 1977, 6.2).

    With R = sum h_u / sum t_u over U shoppers: se = sqrt(U / (U - 1) * sum (h_u - R t_u)^2) / sum t_u.
    Infinite below two shoppers, so that nothing is concluded from one.
    """
    hits: dict[str, int] = {}
    trips: dict[str, int] = {}
    for reply in replies:
        hits[reply.user_id] = hits.get(reply.user_id, 0) + reply.hits
        trips[reply.user_id] = trips.get(reply.user_id, 0) + 1
    if len(trips) < 2:
        return math.inf
    ratio = sum(hits.values()) / sum(trips.values())
    squares = sum((hits[user] - ratio * trips[user]) ** 2 for user in trips)
    return math.sqrt(len(trips) / (len(trips) - 1) * squares) / sum(trips.values())
