"""The KFP step: artifacts first, then the verdict."""

from pathlib import Path

import pytest

from components.artifacts.validation import Finding, Severity, Validation, ValidationReport
from components.validate.op import validate
from components.validate.publish import publish
from model.errors import CheckFailed


def finding(severity: Severity, column: str) -> Finding:
    return Finding("events", column, "scale", severity, "euros", "cents", "convert it")


REPORT = ValidationReport(
    verdict="stop",
    anomalies=(finding("stop", "price"), finding("stop", "quantity"), finding("warn", "store_id")),
    rows={"events": 7, "items": 3},
    columns={"events": 2, "items": 1},
)


def test_a_stop_fails_only_after_report_and_metrics_are_written(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>why</p>")
    REPORT.save(tmp_path)
    logged: dict[str, float] = {}
    with pytest.raises(CheckFailed, match=r"2 problems stop the run; first: events\.price: expected euros"):
        publish(Validation(tmp_path), tmp_path / "shown", logged.update)
    assert (tmp_path / "shown").read_text() == "<p>why</p>"
    assert logged == {"stops": 2.0, "warnings": 1.0, "rows": 10.0, "columns": 3.0}


def test_a_warning_does_not_fail(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("")
    REPORT.model_copy(update={"verdict": "warn"}).save(tmp_path)
    publish(Validation(tmp_path), tmp_path / "shown", lambda values: None)


def test_the_step_runs_in_the_image_that_holds_tfdv() -> None:
    spec = validate.component_spec.implementation.container
    assert spec is not None and spec.image == "aisle.invalid/validate:0.2.0"
