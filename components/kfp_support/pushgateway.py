"""Figures for Prometheus of jobs that end: pipelines, the rollout, `aisle monitor`.

A job cannot be scraped once it has ended. It leaves its gauges in a file, for node_exporter's textfile collector, or
with a Pushgateway (manifests/components/monitoring), which keeps them until the next run replaces them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway, write_to_textfile

from components.kfp_support.progress import progress

PUSH_TIMEOUT_S = 10
MONITOR_JOB = "aisle-monitoring"
PIPELINE_SUCCESS = "aisle_pipeline_last_success_timestamp_seconds"
PIPELINE_FAILURE = "aisle_pipeline_last_failure_timestamp_seconds"
ROLLOUT_PERCENT = "aisle_rollout_percent"
ROLLOUT_STATE = "aisle_rollout_state"
CHECK_FAILED = "aisle_monitor_check_failed"
CHECK_VALUE = "aisle_monitor_value"
MONITOR_RUN = "aisle_monitor_last_run_timestamp_seconds"

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    PIPELINE_SUCCESS: ("When a run of the pipeline last succeeded, unix seconds.", ("pipeline",)),
    PIPELINE_FAILURE: ("When a run of the pipeline last failed, unix seconds.", ("pipeline",)),
    ROLLOUT_PERCENT: ("Declared share of the canary, percent; only while there is one.", ("version",)),
    ROLLOUT_STATE: ("1 for the state that the rollout is in, 0 for the others.", ("state",)),
    CHECK_FAILED: ("1 while a check of `aisle monitor` fails, else 0.", ("check", "severity")),
    CHECK_VALUE: ("What a check of `aisle monitor` measured.", ("check",)),
    MONITOR_RUN: ("When `aisle monitor` last ran to its end, unix seconds.", ()),
}
"""{name: (description, labels)}."""
SUCCEEDED = ("SUCCEEDED", "COMPLETE")
"""State of a successful run in an exit handler, on KFP's local runner and on its backend (2.17)."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One value of one of GAUGES."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def ended(pipeline: str, state: str, now_s: float) -> list[Sample]:
    """Return how a run of the pipeline ended; a state that is no success counts as a failure."""
    name = PIPELINE_SUCCESS if state in SUCCEEDED else PIPELINE_FAILURE
    return [Sample(name=name, value=now_s, labels={"pipeline": pipeline})]


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write one file in Prometheus' text format; it replaces the last one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), _registry(samples))


def push(url: str, job: str, namespace: str, samples: Iterable[Sample]) -> None:
    """Replaces the gauges of these names that the job pushed before. No `url`: nothing is done.

    An unreachable Pushgateway fails no job: a line is logged, and the alert for a job that has not run fires.
    """
    if not url:
        return
    try:
        grouping = {"namespace": namespace}
        pushadd_to_gateway(url, job=job, registry=_registry(samples), grouping_key=grouping, timeout=PUSH_TIMEOUT_S)
    except (OSError, ValueError) as error:
        progress(f"{url}: expected a Pushgateway to take the gauges of {job}, got {error!s:.120}; they were not sent")


def _registry(samples: Iterable[Sample]) -> CollectorRegistry:
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for sample in samples:
        about, labels = GAUGES[sample.name]
        if sample.name not in gauges:
            gauges[sample.name] = Gauge(sample.name, about, labels, registry=registry)
        gauge = gauges[sample.name]
        (gauge.labels(**sample.labels) if labels else gauge).set(sample.value)
    return registry
