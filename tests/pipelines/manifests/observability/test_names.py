"""Rules and boards read only series and labels that the code exports, and no metric of serving goes unread."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from components.kfp_support.pushgateway import GAUGES, ROLLOUT_PERCENT, ROLLOUT_STATE
from components.rollout.kserve.watch_metrics import WatchMetrics
from model.serving.telemetry import metrics
from tests.pipelines.manifests.observability.monitoring_files import ALERTS, BOARDS, GROUPS, RECORDS, board_expressions

SCRAPE = {"namespace", "pod", "job", "instance"}
"""What Prometheus and its operator add."""
FROM_ELSEWHERE = {"up": set(), "process_cpu_seconds_total": set(), "process_resident_memory_bytes": set()}
CONTROLLER = ("aisle_rollout_last_evaluation_timestamp_seconds",)
"""Of the rollout's controller (components/rollout/kserve/watch_metrics.py), what rules read."""
SELECTOR = re.compile(r"(?<![\w:$\"'])([a-z_][\w:]*)(?:\{([^}]*)\})?(?=[\[\s)},/*+-]|$)")
WORDS = set(
    re.findall(
        r"\w+",
        "sum max min by on and or unless rate increase offset absent avg_over_time last_over_time "
        "histogram_quantile abs time ignoring group_left label_values vector",
    )
)


def _exported() -> dict[str, set[str]]:
    """{name of a series: its own labels}, from the registries of the code."""
    families: dict[str, set[str]] = {name: set(labels) for name, (_, labels) in GAUGES.items()}
    families |= {name: set() for name in CONTROLLER}
    for metric in vars(metrics).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        (family,) = metric.describe()
        labels = set(metric._labelnames)
        for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",)):
            families[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return families


EXPORTED = _exported()


def _expressions() -> Iterator[tuple[str, str]]:
    for group in GROUPS:
        for rule in group.rules:
            yield rule.name, rule.expr
    for board in BOARDS.values():
        for expr in board_expressions(board):
            yield board["uid"], expr


def _series(expr: str) -> Iterator[tuple[str, set[str]]]:
    """(name, labels matched) of every selector; groupings and words of PromQL are left out."""
    bare = re.sub(r"\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\)", " ", expr)
    bare = re.sub(r"label_values\(([^,]+), \w+\)", r"\1", bare)
    for names in re.findall(r'__name__=~"([^"]+)"', bare):
        yield from ((name, set()) for name in names.split("|"))
    bare = re.sub(r"\{__name__[^}]*\}", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|offset \w+", " ", bare)
    for name, inside in SELECTOR.findall(bare):
        if name not in WORDS:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))


@pytest.mark.parametrize(("where", "expr"), list(_expressions()))
def test_what_is_read_is_what_the_code_exports(where: str, expr: str) -> None:
    exported = EXPORTED | FROM_ELSEWHERE | {record.name: set() for record in RECORDS}
    series = list(_series(expr))
    assert series, f"{where}: no series in {expr}"
    for name, labels in series:
        assert name in exported, f"{where} reads {name}, which nothing exports"
        assert labels <= exported[name] | SCRAPE, (
            f"{where} reads {name} by {labels - exported[name] - SCRAPE}, which it lacks"
        )


def test_a_name_that_nothing_exports_is_found() -> None:
    expr = 'sum by (version) (rate(aisle_request_total{outcomes="ok"}[5m])) / aisle_in_flight > 0.5'
    assert list(_series(expr)) == [("aisle_request_total", {"outcomes"}), ("aisle_in_flight", set())]
    assert "aisle_request_total" not in EXPORTED


def test_every_metric_of_ours_is_on_a_board_or_in_an_alert() -> None:
    read = {name for _, expr in _expressions() for name, _ in _series(expr)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in EXPORTED}
    assert {name for name in families if not any(series.startswith(name) for series in read)} == set()


def test_the_registry_that_servers_scrape_has_them() -> None:
    described = {family.name for family in REGISTRY.collect()}
    assert {
        name.removesuffix("_total") for name in EXPORTED if name not in (*GAUGES, *CONTROLLER) and "_" in name
    } & described


def test_the_rollouts_controller_exports_what_rules_read() -> None:
    described = {family.name for family in WatchMetrics().registry.collect()}
    assert set(CONTROLLER) <= described and {ROLLOUT_STATE, ROLLOUT_PERCENT} <= described


def test_a_board_has_an_address_of_its_own_and_panels_that_do_not_overlap() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    for board in BOARDS.values():
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in board["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells)) and max(x for x, _ in cells) == 23
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_labels_of_a_summary_are_left_after_its_expression() -> None:
    for alert in ALERTS:
        for label in re.findall(r"\$labels\.(\w+)", alert.annotations.summary):
            grouped = re.findall(r"by \(([^)]*)\)", alert.expr)
            assert (label == "pod" and not grouped) or any(label in names for names in grouped), (alert.name, label)
