"""Evidence on a cluster: what Prometheus counted for both versions since the current share was set.

Counted are requests, so the unit of the split is the request: on a cluster the gateway splits by chance, and requests
are independent draws. What shoppers bought is not among the metrics: a plan that asks for proof of outcomes holds here.
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

from components.rollout.decision.evidence import Evidence, VersionEvidence
from model.api import Rung
from model.errors import StageFailed

Sample = tuple[dict[str, str], float]
Query = Callable[[str], list[Sample]]
"""PromQL of an instant vector -> its samples, each (labels, value)."""

TIMEOUT_S = 10
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
    window = f'{{namespace="{namespace}"}}[{max(1, round(window_s))}s]'
    counted = query(f"sum by (version, outcome, rung) (increase(aisle_requests_total{window}))")
    buckets = query(f"sum by (version, le) (increase(aisle_request_seconds_bucket{window}))")
    return Evidence(
        stable=_version(stable, counted, buckets),
        canary=_version(canary, counted, buckets),
        canary_ready=ready,
        age_s=age_s,
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


def _version(version: str, counted: list[Sample], buckets: list[Sample]) -> VersionEvidence:
    own = [(labels, count) for labels, count in counted if labels.get("version") == version]
    answers = [(labels.get("rung", Rung.FULL), count) for labels, count in own if labels["outcome"] == "ok"]
    served = sum(count for _, count in answers)
    in_full = sum(count for rung, count in answers if rung == Rung.FULL)
    failed = sum(count for labels, count in own if labels["outcome"] in ("error", "shed"))
    own_s = sorted((float(labels["le"]), count) for labels, count in buckets if labels.get("version") == version)
    n = own_s[-1][1] if own_s else 0.0
    # Of n draws about 0.99 n lie at or below the 99th percentile, give or take; as
    # components.rollout.local.gather_evidence.p99_low.
    low_rank = 0.99 * n - Z99 * math.sqrt(0.99 * 0.01 * n)
    requests = round(served + failed)
    return VersionEvidence(
        requests=requests,
        errors=round(failed),
        shoppers=requests,
        p50_ms=1000 * quantile_s(own_s, 0.5 * n)[1],
        p99_ms=1000 * quantile_s(own_s, 0.99 * n)[1],
        p99_low_ms=1000 * quantile_s(own_s, low_rank)[0] if low_rank > 0 else 0.0,
        trips=0,
        hits=0,
        hits_per_trip_se=math.inf,
        fallbacks=round(served - in_full),
    )
