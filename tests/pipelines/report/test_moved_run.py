"""The report of a run that was moved: the whole of it, or a refusal in one line that leaves the old one."""

import shutil
from pathlib import Path

import pytest

from model.files import read_json, write_json
from pipelines.cli import main
from pipelines.demo import rewrite_report
from pipelines.local.run_directory import Paths
from tests.pipelines.report.report_world import outputs_in, summary_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with its report."""
    paths = Paths(out=tmp_path / "first")
    outputs_in(paths.pipeline_root).below(paths.out).save(paths.outputs)
    summary_of().save(paths.out)
    rewrite_report(paths.out)
    return paths.out


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "of an earlier version"])
def test_a_moved_run_has_the_same_report(run: Path, tmp_path: Path, absolute: bool) -> None:
    stored = read_json(Paths(out=run).outputs)
    assert stored["evaluation"] == "pipeline/evaluation"
    if absolute:
        write_json(Paths(out=run).outputs, {name: str(run / path) for name, path in stored.items()})
        rewrite_report(run)  # where it was, too
    before = Paths(out=run).report.read_bytes()
    moved = Paths(out=Path(shutil.move(run, tmp_path / "second")))
    moved.report.unlink()
    assert main(["report", "--run", str(moved.out)]) == 0
    assert moved.report.read_bytes() == before


def test_a_result_that_is_not_there_is_named_and_the_report_stays(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Paths(out=run).report.read_bytes()
    shutil.rmtree(run / "pipeline" / "evaluation")
    assert main(["report", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"expected its output evaluation at {run}/pipeline/evaluation" in error
    assert Paths(out=run).report.read_bytes() == before


def test_a_report_is_never_replaced_by_one_that_lacks_a_section(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, metrics = Paths(out=run).report.read_bytes(), run / "pipeline" / "evaluation" / "metrics.json"
    write_json(metrics, read_json(metrics) | {"reliability": []})
    assert main(["report", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "expected the data of its section calibration, found none" in error
    assert Paths(out=run).report.read_bytes() == before
