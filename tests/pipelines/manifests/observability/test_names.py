"""Rules and boards read only series and labels that the code exports, and no metric of serving goes unread."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from components.kfp_support.pushgateway import GAUGES, ROLLOUT_PERCENT, ROLLOUT_STATE
from components.rollout.kserve.watch_metrics import WatchMetrics
from tests.pipelines.manifests.observability.exported import CONTROLLER, EXPORTED, FROM_ELSEWHERE, SCRAPE, series
from tests.pipelines.manifests.observability.monitoring_files import ALERTS, BOARDS, GROUPS, RECORDS, board_expressions


def _expressions() -> Iterator[tuple[str, str]]:
    for group in GROUPS:
        for rule in group.rules:
            yield rule.name, rule.expr
    for board in BOARDS.values():
        for expr in board_expressions(board):
            yield board["uid"], expr


@pytest.mark.parametrize(("where", "expr"), list(_expressions()))
def test_what_is_read_is_what_the_code_exports(where: str, expr: str) -> None:
    exported = EXPORTED | FROM_ELSEWHERE | {record.name: set() for record in RECORDS}
    read = list(series(expr))
    assert read, f"{where}: no series in {expr}"
    for name, labels in read:
        assert name in exported, f"{where} reads {name}, which nothing exports"
        assert labels <= exported[name] | SCRAPE, (
            f"{where} reads {name} by {labels - exported[name] - SCRAPE}, which it lacks"
        )


def test_a_name_that_nothing_exports_is_found() -> None:
    expr = 'sum by (version) (rate(aisle_request_total{outcomes="ok"}[5m])) / aisle_in_flight > 0.5'
    assert list(series(expr)) == [("aisle_request_total", {"outcomes"}), ("aisle_in_flight", set())]
    assert "aisle_request_total" not in EXPORTED


def test_every_metric_of_ours_is_on_a_board_or_in_an_alert() -> None:
    read = {name for _, expr in _expressions() for name, _ in series(expr)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in EXPORTED}
    assert {name for name in families if not any(other.startswith(name) for other in read)} == set()


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
