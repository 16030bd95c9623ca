"""Wrong input to the command: one line on stderr, exit 2, nothing half-written.

What a stage refuses comes through the real pipeline; every other refusal is that of this process.
"""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipelines.cli import main
from tests.pipelines.command import aisle, assert_nothing_runs
from tests.pipelines.movies import write_films

BAD_INPUT = 2
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("world") / "tables")


@pytest.fixture
def data(tables: Path, tmp_path: Path) -> Path:
    """A copy of good tables that a test may spoil."""
    return Path(shutil.copytree(tables, tmp_path / "tables"))


def _refused(capfd: Capture, out: Path, *arguments: str | Path) -> str:
    """Runs the demo on what it refuses before any stage; returns its one line of error."""
    code = main(["demo", "--fast", "--out", str(out), *map(str, arguments)])
    output = capfd.readouterr()
    return _one_line(out, code, output.out, output.err)


def _refused_by_a_stage(out: Path, *arguments: str | Path) -> str:
    """Runs the real command on what a stage refuses; returns its one line of error."""
    done = aisle("demo", "--fast", "--out", out, *arguments)
    return _one_line(out, done.returncode, done.stdout, done.stderr)


def _one_line(out: Path, code: int, stdout: str, stderr: str) -> str:
    assert code == BAD_INPUT
    assert stderr.count("\n") == 1 and stderr.startswith("aisle: ")
    assert "Traceback" not in stdout
    for name in ("summary.json", "report.html", "outputs.json", "registry", "registry.next", "rollout"):
        assert not (out / name).exists()
    assert_nothing_runs(out)
    return stderr


def test_an_unknown_argument(tmp_path: Path, capfd: Capture) -> None:
    assert "No such option: --fastest" in _refused(capfd, tmp_path / "out", "--fastest")


def test_an_abbreviated_argument(tmp_path: Path, capfd: Capture) -> None:
    assert "No such option: --cut " in _refused(capfd, tmp_path / "out", "--cut", "2017-12-04")


def test_a_cut_date_that_is_no_date(tmp_path: Path, capfd: Capture) -> None:
    line = _refused(capfd, tmp_path / "out", "--cut-date", "yesterday")
    assert "setting data.cut_date: expected str or null, a date like 2017-12-04, got 'yesterday'" in line


def test_a_data_directory_that_is_not_there(tmp_path: Path, capfd: Capture) -> None:
    line = _refused(capfd, tmp_path / "out", "--data", tmp_path / "nowhere")
    assert f"expected a directory with events.parquet and items.parquet, got {tmp_path}/nowhere" in line


def test_an_output_directory_that_is_a_file(tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "out").write_text("mine")
    assert "choose another --out" in _refused(capfd, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_missing_column(data: Path, tmp_path: Path) -> None:
    file = data / "events.parquet"
    pd.read_parquet(file).rename(columns={"item_id": "movie"}).to_parquet(file)
    line = _refused_by_a_stage(tmp_path / "out", "--data", data)
    assert f"ingest: {file}: expected column item_id, found user_id, movie, event_time" in line


def test_a_cut_date_outside_the_data(data: Path, tmp_path: Path) -> None:
    line = _refused_by_a_stage(tmp_path / "out", "--data", data, "--cut-date", "2031-01-01")
    assert "ingest: expected a cut date after 2023-01-01 and not after 2023-12-31, got 2031-01-01" in line


@pytest.mark.parametrize("command", [("rollout", "status"), ("serve",), ("report",)])
def test_a_command_about_a_run_that_never_was(command: tuple[str, ...], tmp_path: Path, capfd: Capture) -> None:
    assert main([*command, "--run", str(tmp_path / "nowhere")]) == BAD_INPUT
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and str(tmp_path / "nowhere") in error
    assert not (tmp_path / "nowhere").exists()
