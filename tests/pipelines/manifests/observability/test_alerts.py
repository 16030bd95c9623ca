"""Every alert fires when it should and keeps silent when it should, in promtool; and each has a case."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from model.system.programs import find_program
from tests.pipelines.manifests.observability.case import Case
from tests.pipelines.manifests.observability.cases import CASES
from tests.pipelines.manifests.observability.monitoring_files import ALERTS, GROUPS, Alert, Group
from tests.pipelines.manifests.observability.worlds import Test, answered, counter, failing, gauge, promtool_file, slow

DAY = 288
"""Steps of five minutes."""
RARE_COLLECTIONS = {"GOGC": "800"}
"""Of Go's garbage collector: in a program that ends within seconds it takes a third of the CPU time."""


def _key(alert: Alert) -> tuple[str, str, str]:
    return alert.name, alert.severity, alert.labels.window


def _firing(case: Case) -> str:
    window = f',window="{case.window}"' if case.window else ""
    labels = f'alertname="{case.alert}",severity="{case.severity}",alertstate="firing"{window}'
    return f"count(ALERTS{{{labels}}})"


def _promtool_output(*files: Path) -> str:
    """What promtool reports against the tests: nothing when they hold."""
    program = find_program("promtool")
    assert program is not None
    done = subprocess.run(
        [program, "test", "rules", *files],
        env=os.environ | RARE_COLLECTIONS,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _tests(case: Case) -> list[Test]:
    name, expr = f"{case.alert} {case.severity} {case.window}", _firing(case)
    fires = Test(name=f"{name} fires", world=case.fires, at=case.at, expr=expr, count=1)
    quiet = [
        Test(name=f"{name} is quiet, {n}", world=world, at=case.at, expr=expr, count=0)
        for n, world in enumerate(case.quiet, 1)
    ]
    return [fires, *quiet]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_alert_fires_in_its_world_and_keeps_silent_in_those_close_by(group: Group, tmp_path: Path) -> None:
    names = {rule.name for rule in group.rules}
    files = []
    for step in ("1m", "5m", "15m"):
        tests = [test for case in CASES if case.alert in names and case.step == step for test in _tests(case)]
        files += [promtool_file(tmp_path, step, [group], tests)] if tests else []
    assert _promtool_output(*files) == ""


@pytest.mark.needs("promtool")
def test_in_a_healthy_day_nothing_fires_nor_is_about_to(tmp_path: Path) -> None:
    world = failing([(0.0005, DAY)]) | slow([(0.005, DAY)]) | answered(popular=[(10.0, DAY)])
    world |= {
        'up{namespace="shop",job="aisle/aisle",pod="p"}': gauge((1, DAY)),
        'aisle_in_flight{namespace="shop",pod="p"}': gauge((4, DAY)),
        'aisle_in_flight_limit{namespace="shop",pod="p"}': gauge((64, DAY)),
        'aisle_state_total{namespace="shop",version="v1",result="found"}': counter((990, DAY)),
        'aisle_state_total{namespace="shop",version="v1",result="unavailable"}': counter((1, DAY)),
        'aisle_events_total{namespace="shop",result="added"}': counter((50, DAY)),
        'aisle_model_failures_total{namespace="shop",version="v1"}': counter((0, DAY)),
        'aisle_model_cut_timestamp_seconds{namespace="shop",version="v1"}': gauge((0, DAY)),
        'aisle_request_log_dropped_total{namespace="shop",pod="p"}': counter((0, DAY)),
        'aisle_request_log_waiting_seconds{namespace="shop",pod="p"}': gauge((5, DAY)),
        'aisle_pipeline_last_success_timestamp_seconds{namespace="shop",pipeline="aisle-cluster"}': gauge((0, DAY)),
        'aisle_monitor_last_run_timestamp_seconds{namespace="shop"}': gauge((0, DAY)),
        'aisle_monitor_check_failed{namespace="shop",check="skew",severity="page"}': gauge((0, DAY)),
        'aisle_rollout_state{namespace="shop",state="promoted"}': gauge((1, DAY)),
    }
    healthy = Test(name="healthy", world=world, at="23h", expr="count(ALERTS)", count=0)
    assert _promtool_output(promtool_file(tmp_path, "5m", GROUPS, [healthy])) == ""


@pytest.mark.needs("promtool")
def test_two_installations_never_mix(tmp_path: Path) -> None:
    """A well one with a thousand times the traffic hides nothing of a sick one, and is not blamed for it."""
    sick = failing([(0, 120), (0.1, 20)])
    well = {name.replace("shop", "staging"): counter((1e6, 140)) for name in failing([(0, 140)]) if "ok" in name}
    firing = 'count(ALERTS{alertstate="firing",window="1h",namespace="%s"})'
    tests = [
        Test(name=name, world=sick | well, at="2h18m", expr=firing % name, count=count)
        for name, count in (("shop", 1), ("staging", 0))
    ]
    assert _promtool_output(promtool_file(tmp_path, "1m", GROUPS[:1], tests)) == ""


def test_every_alert_has_a_case() -> None:
    assert {_key(alert) for alert in ALERTS} == {(case.alert, case.severity, case.window) for case in CASES}
    assert len(CASES) >= len(ALERTS)


def test_every_alert_has_a_summary_a_severity_and_a_wait() -> None:
    for alert in ALERTS:
        assert alert.severity in ("page", "ticket")
        assert alert.annotations.summary.endswith(".")
        assert re.fullmatch(r"\d+[smhd]", alert.wait)
