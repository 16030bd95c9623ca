"""The monitor's checks on KFP's page."""

from components.monitor.kfp_table import table


def test_what_failed_comes_first_and_training_is_told() -> None:
    checks = [("rows", "ok", "purchases"), ("age", "unknown", "hours"), ("drift", "failed", "distance")]
    report = {
        "worst": [{"check": check, "status": status, "what": what} for check, status, what in checks],
        "failed": ["drift"],
        "retrain": {"train": "full", "reasons": ["weekly", "drift"]},
    }
    lines = table(report).splitlines()
    assert lines[0] == "# 1 of 3 checks failed"
    assert lines[4:] == [
        "| training due | full |",
        "| because | weekly, drift |",
        "| failed | drift |",
        "| drift | failed: distance |",
        "| rows | ok: purchases |",
        "| age | unknown: hours |",
    ]
