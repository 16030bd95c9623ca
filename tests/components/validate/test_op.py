"""The KFP step: artifacts first, then the verdict."""

from pathlib import Path

import pytest

from components.validate.op import validate
from components.validate.publish import publish
from model.errors import CheckFailed

SUMMARY = {"verdict": "stop", "stops": 2, "warnings": 1, "rows": 10, "columns": 3, "first_stop": "events.price: bad"}


def test_a_stop_fails_only_after_report_and_metrics_are_written(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>why</p>")
    logged: dict[str, float] = {}
    with pytest.raises(CheckFailed, match=r"2 problems stop the run; first: events\.price: bad"):
        publish(SUMMARY, str(tmp_path), str(tmp_path / "shown"), logged.update)
    assert (tmp_path / "shown").read_text() == "<p>why</p>"
    assert logged == {"stops": 2.0, "warnings": 1.0, "rows": 10.0, "columns": 3.0}


def test_a_warning_does_not_fail(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("")
    publish(SUMMARY | {"verdict": "warn"}, str(tmp_path), str(tmp_path / "shown"), lambda values: None)


def test_the_step_runs_in_the_image_that_holds_tfdv() -> None:
    spec = validate.component_spec.implementation.container
    assert spec is not None and spec.image == "aisle/validate:0.1.0"
