"""Jobs that end leave gauges in a file or with a real Pushgateway."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kfp_support.pushgateway import CHECK_FAILED, Sample, ended, push, write
from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import gauges
from components.rollout.local.processes import free_port
from tests.pipelines.manifests.observability.shops import pushgateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    with pushgateway(tmp_path) as url:
        yield url


def _gauges(gateway: str) -> dict[str, float]:
    """{series: value} of our gauges, with the labels in the gateway's order."""
    with urllib.request.urlopen(f"{gateway}/metrics") as response:
        lines = [line for line in response.read().decode().splitlines() if line.startswith("aisle_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.needs("prometheus-pushgateway")
def test_a_pushgateway_keeps_success_and_failure_side_by_side(gateway: str) -> None:
    push(gateway, "aisle-cluster", "shop", ended("aisle-cluster", "COMPLETE", 100.0))
    push(gateway, "aisle-cluster", "shop", ended("aisle-cluster", "FAILED", 200.0))
    labels = '{instance="",job="aisle-cluster",namespace="shop",pipeline="aisle-cluster"}'
    assert _gauges(gateway) == {
        f"aisle_pipeline_last_success_timestamp_seconds{labels}": 100.0,
        f"aisle_pipeline_last_failure_timestamp_seconds{labels}": 200.0,
    }


@pytest.mark.parametrize("state", ["SUCCEEDED", "COMPLETE", "FAILED", "RUNNING", "CANCELED"])
def test_a_run_succeeded_when_kfps_local_runner_or_its_backend_reports_it(state: str) -> None:
    well = state in ("SUCCEEDED", "COMPLETE")
    name = ended("aisle-cluster", state, 100.0)[0].name
    assert name == f"aisle_pipeline_last_{'success' if well else 'failure'}_timestamp_seconds"


@pytest.mark.needs("prometheus-pushgateway")
def test_a_canary_that_is_gone_leaves_no_share_behind(gateway: str) -> None:
    push(gateway, "aisle-rollout", "shop", gauges(State.RUNNING, "v8", 10))
    running_now = {name: value for name, value in _gauges(gateway).items() if value}
    push(gateway, "aisle-rollout", "shop", gauges(State.ROLLED_BACK, None, 0))
    after = {name: value for name, value in _gauges(gateway).items() if value == value and value}
    where = 'instance="",job="aisle-rollout",namespace="shop"'
    assert running_now == {
        f'aisle_rollout_state{{{where},state="running"}}': 1.0,
        f'aisle_rollout_percent{{{where},version="v8"}}': 10.0,
    }
    assert after == {f'aisle_rollout_state{{{where},state="rolled_back"}}': 1.0}


def test_a_file_is_in_prometheus_text_format_and_holds_the_last_run_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "monitor.prom"
    write(path, [Sample(name=CHECK_FAILED, value=1, labels={"check": "old", "severity": "page"})])
    write(
        path,
        [
            Sample(name=CHECK_FAILED, value=v, labels={"check": c, "severity": "ticket"})
            for c, v in [("a", 0), ("b", 1)]
        ],
    )
    assert path.read_text().splitlines()[1:] == [
        "# TYPE aisle_monitor_check_failed gauge",
        'aisle_monitor_check_failed{check="a",severity="ticket"} 0.0',
        'aisle_monitor_check_failed{check="b",severity="ticket"} 1.0',
    ]


def test_a_pushgateway_that_is_not_there_fails_no_job_and_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    push(f"http://127.0.0.1:{free_port()}", "aisle-cluster", "shop", ended("aisle-cluster", True, 1.0))
    assert "expected a Pushgateway to take the gauges of aisle-cluster" in capsys.readouterr().out
    push("", "aisle-cluster", "shop", ended("aisle-cluster", True, 1.0))
    assert capsys.readouterr().out == ""
