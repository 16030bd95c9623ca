"""Evidence on a cluster: what Prometheus counted for both versions since the current share was set.

Counted are requests; shoppers, and what they bought, come from the request log
(components/rollout/kserve/log_evidence.py).
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.rollout.decision.evidence import Evidence, VersionEvidence
from model.api import Rung
from model.errors import StageFailed

Sample = tuple[dict[str, str], float]
Query = Callable[[str], list[Sample]]
"""PromQL of an instant vector -> its samples, each (labels, value)."""

TIMEOUT_S = 10
RECENT_S = 60
"""What is recent, seconds; four scrapes of manifests/components/monitoring."""
MEGABYTE = 1e6
REQUESTS_A_SHOPPER = 50
"""Prometheus counts requests, and the gateway splits shoppers: so many are taken for one draw of the split's test. The
request log knows the shoppers themselves."""
FAILED, REFUSED = ("error", "shed"), ("bad_request",)
"""Outcomes of aisle_requests_total."""
_COUNTED = "sum by (version, outcome, rung) (increase(aisle_requests_total{scope}[{seconds}s]))"
_BROKEN = "sum by (version, kind) (increase(aisle_contract_violations_total{scope}[{seconds}s]))"
_BUCKETS = "sum by (version, le) (increase(aisle_request_seconds_bucket{scope}[{seconds}s]))"
_MEMORY = (
    "max by (version) (process_resident_memory_bytes{scope} * on (namespace, pod) group_left (version)"
    " (max by (namespace, pod, version) (aisle_requests_total{scope}) >= bool 0))"
)
"""A process does not know its version; its requests do."""
Z99 = 2.3263
"""One side, 99 %."""


def prometheus(url: str) -> Query:
    """Asks the Prometheus at `url`; the query raises StageFailed when it does not answer."""

    def query(promql: str) -> list[Sample]:
        address = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as response:
                series = json.load(response)["data"]["result"]
            return [(sample["metric"], float(sample["value"][1])) for sample in series]
        except (OSError, urllib.error.URLError, ValueError, KeyError, TypeError) as error:
            raise StageFailed(f"{url}: expected Prometheus to answer a query, got {error!s:.120}") from None

    return query


def gather(
    query: Query, *, namespace: str, stable: str, canary: str, window_s: float, ready: bool, age_s: float
) -> Evidence:
    """Evidence of the last `window_s` seconds.

    Args:
        namespace: of the service, as the PodMonitor labels its series: one Prometheus may know several services.
        stable, canary: versions of the models, as the servers label their metrics.
        ready: whether the canary passes its readiness check now.
        age_s: since the rollout began, seconds.
    """
    scope, share_s = f'{{namespace="{namespace}"}}', max(1, round(window_s))
    series = _Series(
        counted=query(_COUNTED.format(scope=scope, seconds=share_s)),
        broken=query(_BROKEN.format(scope=scope, seconds=share_s)),
        recently=query(_COUNTED.format(scope=scope, seconds=min(RECENT_S, share_s))),
        broken_recently=query(_BROKEN.format(scope=scope, seconds=min(RECENT_S, share_s))),
        buckets=query(_BUCKETS.format(scope=scope, seconds=share_s)),
        memory=query(_MEMORY.format(scope=scope)),
    )
    return Evidence(
        stable=series.of(stable), canary=series.of(canary), canary_ready=ready, age_s=age_s, share_age_s=window_s
    )


def quantile_s(buckets: list[tuple[float, float]], rank: float) -> tuple[float, float]:
    """(lower edge, interpolated) seconds of the observation of this rank.

    buckets: (upper edge, observations at or below it), ascending, the last edge infinite. The observation is surely at
    or above the lower edge of its bucket.
    """
    lower, below = 0.0, 0.0
    for edge, count in buckets:
        if count >= rank:
            inside = (rank - below) / (count - below) if count > below else 0.0
            return lower, lower if math.isinf(edge) else lower + (edge - lower) * inside
        lower, below = edge, count
    return lower, lower


@dataclass(frozen=True, kw_only=True)
class _Series:
    """What Prometheus answered; the samples of both versions."""

    counted: list[Sample]
    broken: list[Sample]
    recently: list[Sample]
    broken_recently: list[Sample]
    buckets: list[Sample]
    memory: list[Sample]

    def of(self, version: str) -> VersionEvidence:
        """Of one version."""
        answers = _own(version, self.counted, outcome=("ok",))
        in_full = _sum(sample for sample in answers if sample[0].get("rung", Rung.FULL) == Rung.FULL)
        served, failed = _sum(answers), _sum(_own(version, self.counted, outcome=FAILED))
        refused, broken = _sum(_own(version, self.counted, outcome=REFUSED)), _sum(_own(version, self.broken))
        recently = _own(version, self.recently, outcome=("ok", *FAILED, *REFUSED))
        recent_failures = _sum(_own(version, self.recently, outcome=(*FAILED, *REFUSED)))
        own_s = sorted((float(labels["le"]), count) for labels, count in _own(version, self.buckets))
        n = own_s[-1][1] if own_s else 0.0
        # Of n draws about 0.99 n lie at or below the 99th percentile, give or take; as
        # components.rollout.local.gather_evidence.p99_low.
        low_rank = 0.99 * n - Z99 * math.sqrt(0.99 * 0.01 * n)
        requests, violations = round(served + failed), round(broken)
        return VersionEvidence(
            requests=requests,
            errors=min(round(failed) + violations, requests),
            shoppers=round((requests + refused) / REQUESTS_A_SHOPPER),
            p50_ms=1000 * quantile_s(own_s, 0.5 * n)[1],
            p99_ms=1000 * quantile_s(own_s, 0.99 * n)[1],
            p99_low_ms=1000 * quantile_s(own_s, low_rank)[0] if low_rank > 0 else 0.0,
            trips=0,
            hits=0,
            hits_per_trip_se=math.inf,
            fallbacks=round(served - in_full),
            violations=violations,
            refused=round(refused),
            recent_requests=round(_sum(recently)),
            recent_failures=min(
                round(recent_failures + _sum(_own(version, self.broken_recently))), round(_sum(recently))
            ),
            memory_mb=_sum(_own(version, self.memory)) / MEGABYTE,
        )


def _own(version: str, samples: list[Sample], outcome: tuple[str, ...] = ()) -> list[Sample]:
    """The samples of a version, with one of these outcomes where any is named."""
    own = [sample for sample in samples if sample[0].get("version") == version]
    return [sample for sample in own if sample[0].get("outcome") in outcome] if outcome else own


def _sum(samples: Iterable[Sample]) -> float:
    return sum(value for _, value in samples)
