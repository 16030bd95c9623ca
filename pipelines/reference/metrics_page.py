"""docs/reference/metrics.md: every series that the program exports, from the registries of the code."""

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

from components.kfp_support.pushgateway import GAUGES
from components.rollout.kserve.watch_metrics import WatchMetrics
from model.api import REASONS, SOURCES, Rung
from model.serving.admission.gate import Cause
from model.serving.contract import Violation
from model.serving.telemetry import metrics
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "metrics.md"
VALUES: dict[str, tuple[str, Iterable[str]]] = {
    "aisle_requests_total": ("rung", Rung),
    "aisle_refused_total": ("cause", Cause),
    "aisle_candidates": ("source", SOURCES),
    "aisle_items_total": ("source", REASONS),
    "aisle_contract_violations_total": ("kind", Violation),
}
"""{metric: (label, its values)} where the code lists the values; elsewhere the metric's own text names them."""


class Metric(NamedTuple):
    """One metric."""

    name: str
    kind: str
    labels: str
    meaning: str


def server() -> list[Metric]:
    """Those of a model server."""
    return _described(metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase))


def controller() -> list[Metric]:
    """Those of the rollout's controller."""
    collectors = WatchMetrics().registry._collector_to_names
    return _described(metric for metric in collectors if isinstance(metric, MetricWrapperBase))


def jobs() -> list[Metric]:
    """Those that pipelines and `aisle monitor` leave with a Pushgateway or in a file."""
    return [Metric(name, "gauge", _listed(labels), about) for name, (about, labels) in GAUGES.items()]


def page() -> str:
    return table("metrics", server=server(), controller=controller(), jobs=jobs()) + "\n"


def _described(collectors: Iterable[MetricWrapperBase]) -> list[Metric]:
    rows = []
    for metric in collectors:
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        meaning = f"{family.documentation}{_values(name)}"
        rows.append(Metric(name, family.type, _listed(metric._labelnames), meaning))
    return sorted(rows)


def _values(name: str) -> str:
    if name not in VALUES:
        return ""
    label, values = VALUES[name]
    return f" `{label}`: {_listed(values)}."


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
