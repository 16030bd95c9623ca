"""Faults in real servers and stores fire their alerts in time in a real Prometheus; a clean shop fires none."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.manifests.observability.faults import FAULTS
from tests.pipelines.manifests.observability.injection import (
    FACTOR,
    LONG_FACTOR,
    OF_A_BUSY_MACHINE,
    Outcome,
    inject_all,
    name_of,
)
from tests.pipelines.manifests.observability.monitoring_files import ALERTS
from tests.pipelines.manifests.observability.prometheus import faster


@pytest.mark.needs("prometheus", "promtool", "prometheus-pushgateway")
def test_every_fault_fires_its_alerts_in_time_and_no_others(
    tmp_path: Path, report_measurement: Callable[[str, dict[str, Any]], None]
) -> None:
    outcome = inject_all(tmp_path)
    report_measurement("alerts", figures(outcome))
    late = [
        firing for firing in outcome.firings if firing.fired_after_s is None or firing.fired_after_s > firing.limit_s
    ]
    assert late == []
    of_the_machine = OF_A_BUSY_MACHINE if outcome.busy else ()
    assert [key for key in outcome.unexplained if key[1].split()[0] not in of_the_machine] == []


def figures(outcome: Outcome) -> dict[str, Any]:
    """What benchmarks/monitoring takes in: seconds are in the rules' own time."""
    alerts = [dataclasses.asdict(alert) for alert in outcome.firings]
    for alert in alerts:
        alert["fired_after_s"] = None if alert["fired_after_s"] is None else round(alert["fired_after_s"])
    return {
        "alerts": alerts,
        "system_unexplained": [list(key) for key in outcome.unexplained],
        "system_factor": FACTOR,
        "system_long_factor": LONG_FACTOR,
        "system_machine_busy": outcome.busy,
    }


def test_every_alert_fires_on_some_fault() -> None:
    alerts = {alert for fault in FAULTS for alert in fault.alerts} | {"AisleMonitorNotRun never", "AisleAbsent"}
    assert alerts == {name_of(alert) for alert in ALERTS}


def test_time_passes_faster_in_every_window_and_wait() -> None:
    rule = {"alert": "A", "expr": "rate(a[5m]) > 300 and rate(a[1w] offset 1h) > 5", "for": "10m"}
    record = {"record": "a:rate5m", "expr": "rate(a[5m])"}
    assert faster({"groups": [{"name": "g", "rules": [rule, record]}]}, 120) == {
        "groups": [
            {
                "name": "g",
                "rules": [
                    {
                        "alert": "A",
                        "expr": "rate(a[2500ms]) > 300 and rate(a[5040000ms] offset 30000ms) > 5",
                        "for": "5000ms",
                    },
                    {"record": "a:rate5m", "expr": "rate(a[2500ms])"},
                ],
            }
        ]
    }
