"""A monitor's report without checks."""

from typing import Any

from components.artifacts.monitor_report import CheckResult, Evidence, MonitorReport, RetrainDecision, Status
from tfx_configs.monitoring import MonitorSettings

NOW = "2020-05-11T03:00:00Z"


def report(now: str = NOW, checks: tuple[CheckResult, ...] = (), **evidence: Any) -> MonitorReport:
    """Of a moment at which a run from scratch is due."""
    return MonitorReport(
        now=now,
        cut=now,
        windows=(),
        checks=checks,
        versions=(),
        settings=MonitorSettings(),
        evidence=Evidence(**{"data_until_s": 1.6e9, "trained_until_s": 1.5e9} | evidence),
        retrain=RetrainDecision(train="scratch", reasons=("weekly: due since 1.0 h",)),
        seconds=0.0,
    )


def result(check: str, status: Status, what: str = "") -> CheckResult:
    """One check of the last day."""
    figures = dict.fromkeys(("value", "value_low", "value_high", "low", "high"), 1.0)
    texts = {"group": "requests", "severity": "page", "basis": "", "to_do": ""}
    return CheckResult(check=check, status=status, what=what, window_days=1, history=(), **figures, **texts)  # type: ignore[arg-type]
