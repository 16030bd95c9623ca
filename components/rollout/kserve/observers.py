"""Evidence on a cluster beside the servers' own metrics: each observer adds what it alone sees."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from string import Template

from components.inference_service.readiness import SERVER
from components.inference_service.traffic import NAME, KubeObject, Version
from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.kserve.prometheus import RECENT_S, Query, Sample
from tfx_configs.rollout import MetricLimit


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One evaluation of a rollout."""

    namespace: str
    stable: Version
    canary: Version
    percent: int
    since_s: float
    """When the current share was set, unix seconds."""
    now_s: float
    pods: Sequence[KubeObject] = ()


Observer = Callable[[Moment, Evidence], Evidence]
"""Returns the evidence with more in it."""


def observed(moment: Moment, evidence: Evidence, observers: Sequence[Observer]) -> Evidence:
    """The evidence with what all of them see."""
    for observer in observers:
        evidence = observer(moment, evidence)
    return evidence


def pods(moment: Moment, evidence: Evidence) -> Evidence:
    """Servers that ended by themselves, as Kubernetes saw it: crashes, failed liveness probes, too much memory."""

    def with_restarts(version: VersionEvidence, predictor: str) -> VersionEvidence:
        return replace(version, restarts=restarts(moment.pods, predictor, moment.since_s))

    return replace(
        evidence,
        canary=with_restarts(evidence.canary, moment.canary.predictor),
        stable=with_restarts(evidence.stable, moment.stable.predictor),
    )


def restarts(pods: Sequence[KubeObject], predictor: str, since_s: float) -> int:
    """How often servers of this predictor ended; those of a pod count where its last end was after `since_s`."""
    return sum(
        max(int(status.get("restartCount", 0)), 1)
        for pod in pods
        if f"-{predictor}-" in pod["metadata"]["name"]
        for status in pod.get("status", {}).get("containerStatuses", [])
        if status["name"] == SERVER and any(ended > since_s for ended in _ends(status))
    )


def _ends(status: KubeObject) -> Iterator[float]:
    """When the container last ended, unix seconds."""
    for state in (status.get("lastState", {}), status.get("state", {})):
        if finished := state.get("terminated", {}).get("finishedAt"):
            yield datetime.fromisoformat(finished).timestamp()


def metrics_of_plan(query: Query, limits: Sequence[MetricLimit]) -> Observer:
    """The plan's own metrics, by PromQL."""

    def observe(moment: Moment, evidence: Evidence) -> Evidence:
        names = {
            "stable": moment.stable.name,
            "canary": moment.canary.name,
            "namespace": moment.namespace,
            "window": f"{max(1, round(moment.now_s - moment.since_s))}s",
        }
        values = {limit.name: _first(query(Template(limit.query).safe_substitute(names))) for limit in limits}
        return replace(evidence, metrics=values)

    return observe


def _first(samples: list[Sample]) -> float | None:
    """The value of the first sample that is a number."""
    return next((value for _, value in samples if value == value), None)


def gateway(query: Query) -> Observer:
    """Requests that the gateway lost on the way: resets, timeouts, refused connections, which no server counts.

    Envoy counts a request that ends so as a 5xx of the cluster, and one that it tries again as a retry. In the routes
    that KServe writes stable is the first backend and the canary the second.
    """

    def observe(moment: Moment, evidence: Evidence) -> Evidence:
        share_s = max(1, round(moment.now_s - moment.since_s))
        lost, lately = (_lost(query, moment.namespace, seconds) for seconds in (share_s, min(RECENT_S, share_s)))
        return replace(
            evidence,
            stable=_with_lost(evidence.stable, lost[0], lately[0]),
            canary=_with_lost(evidence.canary, lost[1], lately[1]),
        )

    return observe


def _lost(query: Query, namespace: str, seconds: int) -> tuple[int, int]:
    """(of stable, of the canary) in the last seconds."""
    clusters = f'envoy_cluster_name=~"httproute/{namespace}/{NAME}/rule/.*"'
    answers = query(
        f"sum by (envoy_cluster_name) (increase(envoy_cluster_upstream_rq_xx"
        f'{{{clusters}, envoy_response_code_class="5"}}[{seconds}s]))'
    )
    retried = query(
        f"sum by (envoy_cluster_name) (increase(envoy_cluster_upstream_rq_retry{{{clusters}}}[{seconds}s]))"
    )
    counts = [0.0, 0.0]
    for labels, value in (*answers, *retried):
        backend = labels.get("envoy_cluster_name", "").rpartition("/backend/")[2]
        if backend in ("0", "1"):
            counts[int(backend)] += value
    return round(counts[0]), round(counts[1])


def _with_lost(version: VersionEvidence, lost: int, lately: int) -> VersionEvidence:
    """A 5xx of a server is in both counts, a reset in the gateway's alone: the larger one counts."""
    failed = version.errors - version.violations
    more, more_lately = max(lost - failed, 0), max(lately - version.recent_failures, 0)
    return replace(
        version,
        requests=version.requests + more,
        errors=version.errors + more,
        recent_requests=version.recent_requests + more_lately,
        recent_failures=version.recent_failures + more_lately,
    )
