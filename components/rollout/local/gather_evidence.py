"""From single replies to the evidence that the state machine evaluates."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.decision.split_test import probabilities
from components.rollout.local.envoy_config import CANARY, STABLE
from components.rollout.local.v2_client import Reply
from model.evaluation import clustered_errors as clusters

Pair = tuple[Reply, Reply]
"""(canary's, stable's) answer to one request that was sent to both."""


def gather(
    replies: Sequence[Reply],
    assigned_to_canary: int,
    canary_ready: bool,
    pairs: Sequence[Pair] = (),
    age_s: float = 0.0,
    violations: int = 0,
) -> Evidence:
    """Evidence of one step.

    Args:
        assigned_to_canary: requests that the split gave to the canary, as counted by the proxy. Those it did not answer
            with 200 itself are its errors, even where the stable version answered in its place.
        pairs: requests sent to both, besides the traffic.
        age_s: since the rollout began, seconds.
        violations: answers of the canary that broke the contract; they are errors, though another rung answered.
    """
    sides = {side: [reply for reply in replies if reply.version == side] for side in (STABLE, CANARY)}
    answered = sum(reply.status == 200 for reply in sides[CANARY])
    assigned = max(assigned_to_canary, len(sides[CANARY]))
    failed = sum(reply.status != 200 for reply in sides[STABLE])
    return Evidence(
        stable=_version(sides[STABLE], len(sides[STABLE]), failed),
        canary=replace(
            _version(sides[CANARY], assigned, min(assigned, assigned - answered + violations)), violations=violations
        ),
        canary_ready=canary_ready,
        agreement=agreement(pairs),
        age_s=age_s,
    )


def _version(replies: list[Reply], requests: int, errors: int) -> VersionEvidence:
    good = [reply for reply in replies if reply.status == 200]
    latencies = np.array([reply.latency_ms for reply in good] or [0.0])
    hits, users = np.array([float(reply.hits) for reply in good]), np.array([reply.user_id for reply in good])
    last_lists = {reply.user_id: set(reply.item_ids) for reply in good}
    return VersionEvidence(
        requests=requests,
        errors=errors,
        shoppers=len({reply.user_id for reply in replies}),
        p50_ms=float(np.percentile(latencies, 50)),
        p99_ms=float(np.percentile(latencies, 99)),
        p99_low_ms=p99_low(latencies),
        trips=len(good),
        hits=sum(reply.hits for reply in good),
        hits_per_trip_se=clusters.ratio(hits, np.ones(len(hits)), users).se,
        fallbacks=sum(reply.fallback for reply in good),
        list_overlap=clusters.list_overlap(last_lists.values()),
    )


def agreement(pairs: Sequence[Pair]) -> float | None:
    """Share of the canary's items that stable's answer to the same request has too; None without such a request."""
    both = [(set(a.item_ids), set(b.item_ids)) for a, b in pairs if a.status == b.status == 200 and a.item_ids]
    return sum(len(a & b) / len(a) for a, b in both) / len(both) if both else None


def p99_low(values: np.ndarray) -> float:
    """Lower 99 % confidence bound of the 99th percentile of what `values` [n] were drawn from; 0 when n is too small.

    Of n draws, Binomial(n, 0.99) lie at or below the percentile, so the r-th smallest does with probability
    P(Binomial >= r): the bound is the largest such value with probability 0.99 or more. Of 10 it is the 9th.
    """
    below = np.cumsum(probabilities(len(values), 0.99))
    rank = int(np.searchsorted(below, 0.01))
    return float(np.sort(values)[rank - 1]) if rank > 0 else 0.0
