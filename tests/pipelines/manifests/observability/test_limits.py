"""The limits in rules and boards are those of the objectives and of the settings of the code."""

import re

import pytest
from prometheus_client.utils import floatToGoString

from model.data.time_split import TEST_DAYS
from model.serving.telemetry import metrics
from pipelines.definitions import monitoring, rollout_step, train_and_release
from tests.pipelines.manifests.observability.monitoring_files import (
    ALERTS,
    BOARDS,
    JOB,
    RECORDS,
    Alert,
    board_expressions,
    board_limits,
)
from tfx_configs.monitoring import MonitorSettings

DAY_S = 86_400
MODEL_OLD_S = round(DAY_S * MonitorSettings().max_model_age_days)
"""As the monitor's check: a fresh model's cut is as old as the span that it was evaluated on is long."""
BUDGETS = {
    "Availability": (0.001, "aisle:requests:failed_ratio_rate"),
    "Latency": (0.01, "aisle:requests:slow_ratio_rate"),
}
"""{objective: (share of requests that may be bad in 30 days, its recorded series without the window)}"""
BURNS = {
    "1h": (14.4, "5m", "2m", "page"),  # 2 % of the budget in an hour
    "6h": (6.0, "30m", "15m", "page"),  # 5 % in six hours
    "1d": (3.0, "2h", "1h", "ticket"),  # 10 % in a day
    "3d": (1.0, "6h", "3h", "ticket"),  # 10 % in three days
}
"""{long window: (burn rate, short window, wait, severity)}, from the Site Reliability Workbook, chapter 5."""
FEWEST_BAD = 10
"""Bad requests in the long window below which no alert fires: one error at night does not burn a budget."""
SERVING = board_limits(BOARDS["serving"])
DATA = board_limits(BOARDS["data-and-model"])


def _alert(name: str) -> Alert:
    return next(alert for alert in ALERTS if alert.name == name and not alert.labels.never)


def _last_number(expr: str) -> float:
    return float(re.findall(r"> (\d+)$", expr)[0])


@pytest.mark.parametrize("objective", BUDGETS)
@pytest.mark.parametrize("long", BURNS)
def test_a_budget_burns_by_the_rates_of_the_workbook(objective: str, long: str) -> None:
    (budget, series), (rate, short, wait, severity) = BUDGETS[objective], BURNS[long]
    (alert,) = [alert for alert in ALERTS if alert.name == f"Aisle{objective}Burn" and alert.labels.window == long]
    limits = re.findall(rf"{series}(\w+) > (\S+)", alert.expr)
    assert [window for window, _ in limits] == [long, short]
    assert [float(limit) for _, limit in limits] == pytest.approx([rate * budget] * 2)
    assert set(re.findall(r"\[(\w+)\]", alert.expr)) == {long} and alert.expr.endswith(f">= {FEWEST_BAD}")
    assert (alert.wait, alert.severity) == (wait, severity)
    assert f"requests of {long} " in alert.annotations.summary
    assert f"over {rate:g} times what {100 * (1 - budget):g} % in 30 days" in alert.annotations.summary


def test_every_window_of_a_burn_is_recorded_over_that_window() -> None:
    windows = {window for long, (_, short, *_) in BURNS.items() for window in (long, short)}
    assert {record.name for record in RECORDS} == {f"{series}{w}" for _, series in BUDGETS.values() for w in windows}
    for record in RECORDS:
        assert set(re.findall(r"\[(\w+)\]", record.expr)) == {record.name.rpartition("_rate")[2]}


def test_the_boards_show_the_budgets_of_the_objectives() -> None:
    text = " ".join(board_expressions(BOARDS["serving"]))
    assert re.findall(r"\[30d\]\)\)+ / ([\d.]+)(?= |$)", text) == ["0.001", "0.01"]
    fast = {title: limit for title, limit in SERVING.items() if title.startswith("Share of")}
    failed, slow = (BURNS["1h"][0] * BUDGETS[name][0] for name in ("Availability", "Latency"))
    assert fast == pytest.approx(
        {
            "Share of requests failed or turned away, last hour": failed,
            "Share of requests failed or turned away": failed,
            "Share of answers over 50 ms, last hour": slow,
        }
    )


def test_a_share_needs_some_bad_requests_before_it_fires() -> None:
    shares = [alert for alert in ALERTS if re.search(r"\)\) > 0\.\d+\s+and", alert.expr)]
    assert len(shares) == 8
    assert [alert.name for alert in shares if not alert.expr.endswith(f">= {FEWEST_BAD}")] == []


def test_a_limit_in_seconds_is_an_edge_of_its_histogram() -> None:
    expressions = [alert.expr for alert in ALERTS] + [
        expr for board in BOARDS.values() for expr in board_expressions(board)
    ]
    read = {pair for expr in expressions for pair in re.findall(r'(\w+)_bucket\{[^}]*?le="([^"]+)"', expr)}
    edges = {
        (metric._name, floatToGoString(edge))
        for metric in vars(metrics).values()
        for edge in getattr(metric, "_upper_bounds", None) or getattr(metric, "_kwargs", {}).get("buckets", ())
    }
    assert read == {
        ("aisle_request_seconds", "0.05"),
        ("aisle_stage_seconds", "0.025"),
        ("aisle_stage_seconds", "0.01"),
    }
    assert read <= edges


def test_a_model_is_old_at_the_age_of_the_monitors_check() -> None:
    assert _last_number(_alert("AisleModelOld").expr) == MODEL_OLD_S == DATA["What the newest model does not know"]


def test_a_model_trained_each_week_is_never_called_old() -> None:
    assert (TEST_DAYS + 7) * DAY_S <= MODEL_OLD_S


@pytest.mark.parametrize(
    ("alert", "panel"),
    [
        ("AisleMonitorNotRun", "Since the monitor last ran"),
        ("AislePipelineNotRun", "Since a pipeline last succeeded"),
        ("AisleEventsLate", "How late purchases come in"),
        ("AisleRequestLogBehind", "Request log not shipped yet, oldest file"),
    ],
)
def test_the_red_line_of_a_panel_is_where_its_alert_begins(alert: str, panel: str) -> None:
    assert (DATA | SERVING)[panel] == _last_number(_alert(alert).expr)


def test_alerts_on_runs_name_pipelines_that_exist() -> None:
    named = {name for alert in ALERTS for name in re.findall(r'pipeline="([^"]+)"', alert.expr)}
    assert named == {train_and_release.PIPELINE, rollout_step.NAME} and monitoring.NAME not in named


def test_the_job_of_the_servers_is_that_of_their_pod_monitor() -> None:
    expressions = [alert.expr for alert in ALERTS] + board_expressions(BOARDS["serving"])
    assert {job for expr in expressions for job in re.findall(r'job="([^"]+)"', expr)} == {JOB}
