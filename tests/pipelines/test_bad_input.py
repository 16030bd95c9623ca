"""Wrong input to the real command: one line on stderr, exit 2, nothing half-written."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.pipelines.command import aisle, assert_nothing_runs
from tests.pipelines.movies import write_films

BAD_INPUT, REFUSED = 2, 1


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("world") / "tables")


@pytest.fixture
def data(tables: Path, tmp_path: Path) -> Path:
    """A copy of good tables that a test may spoil."""
    return Path(shutil.copytree(tables, tmp_path / "tables"))


def _refused(out: Path, *arguments: str | Path) -> str:
    """Runs the demo on bad input; returns its one line of error."""
    done = aisle("demo", "--fast", "--out", out, *arguments)
    assert done.returncode == BAD_INPUT
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("aisle: ")
    assert "Traceback" not in done.stdout
    for name in ("summary.json", "report.html", "outputs.json", "registry", "registry.next", "rollout"):
        assert not (out / name).exists()
    assert_nothing_runs(out)
    return done.stderr


def test_an_unknown_argument(tmp_path: Path) -> None:
    assert "No such option: --fastest" in _refused(tmp_path / "out", "--fastest")


def test_an_abbreviated_argument(tmp_path: Path) -> None:
    assert "No such option: --cut " in _refused(tmp_path / "out", "--cut", "2017-12-04")


def test_a_cut_date_that_is_no_date(tmp_path: Path) -> None:
    line = _refused(tmp_path / "out", "--cut-date", "yesterday")
    assert "setting data.cut_date: expected str or null, a date like 2017-12-04, got 'yesterday'" in line


def test_a_data_directory_that_is_not_there(tmp_path: Path) -> None:
    line = _refused(tmp_path / "out", "--data", tmp_path / "nowhere")
    assert f"expected a directory with events.parquet and items.parquet, got {tmp_path}/nowhere" in line


def test_an_output_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = aisle("demo", "--fast", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (BAD_INPUT, 1)
    assert "choose another --out" in done.stderr
    assert (tmp_path / "out").read_text() == "mine"


def test_a_missing_column(data: Path, tmp_path: Path) -> None:
    file = data / "events.parquet"
    pd.read_parquet(file).rename(columns={"item_id": "movie"}).to_parquet(file)
    line = _refused(tmp_path / "out", "--data", data)
    assert f"ingest: {file}: expected column item_id, found user_id, movie, event_time" in line


def test_an_empty_table(data: Path, tmp_path: Path) -> None:
    file = data / "events.parquet"
    pd.read_parquet(file).iloc[:0].to_parquet(file)
    assert f"ingest: {file}: expected at least one row" in _refused(tmp_path / "out", "--data", data)


def test_a_file_that_is_not_parquet(data: Path, tmp_path: Path) -> None:
    (data / "items.parquet").write_text("item_id,genres\n1,Drama\n")
    line = _refused(tmp_path / "out", "--data", data)
    assert f"ingest: {data}/items.parquet: expected a readable Parquet file" in line


def test_a_cut_date_outside_the_data(data: Path, tmp_path: Path) -> None:
    line = _refused(tmp_path / "out", "--data", data, "--cut-date", "2031-01-01")
    assert "ingest: expected a cut date after 2023-01-01 and not after 2023-12-31, got 2031-01-01" in line


@pytest.mark.parametrize("command", [("rollout", "status"), ("serve",), ("report",)])
def test_a_command_about_a_run_that_never_was(command: tuple[str, ...], tmp_path: Path) -> None:
    done = aisle(*command, "--run", tmp_path / "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (BAD_INPUT, 1)
    assert str(tmp_path / "nowhere") in done.stderr
    assert not (tmp_path / "nowhere").exists()
