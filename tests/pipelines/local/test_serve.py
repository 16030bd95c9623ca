"""`aisle serve` on bad input: one line before any server is started. What it serves is in test_demo.py."""

from pathlib import Path

import pytest

from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from pipelines.cli import main
from pipelines.local.serve import old_data
from tests.model.serving.fake_server import write_model


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A registry with a stable model, and files to name: mine is one, rules.json is no rules file."""
    directory, registry = write_model(tmp_path / "one", "one"), Registry(tmp_path / "run" / "registry")
    write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
    registry.set_stable(registry.add(directory))
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "rules.json").write_text("[]")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rules", "nowhere.json"], "nowhere.json: expected a rules file"),
        (["--rules", "rules.json"], "rules.json: expected a rules file"),
        (["--rules", "."], "expected a rules file"),
        (["--request-log", "mine"], "--request-log: expected a directory to write to, got mine (mine is a file)"),
        (["--http-port", "99999"], "--http-port: expected a free port, 99999 is taken or not a port"),
        (["--http-port", "18975", "--grpc-port", "18975"], "--grpc-port: expected another port than --http-port"),
    ],
)
def test_bad_input_is_reported_in_one_line(
    run: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    assert main(["serve", "--run", "run", *arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err and output.err.count("\n") == 1 and output.out == ""
    assert [path.name for path in run.iterdir()] == ["registry"]


def test_a_damaged_model_is_reported_in_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(run / "registry")
    (registry.path(str(registry.state().stable)) / "more").write_text("more")
    assert main(["serve", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert "/more: not in the manifest" in error and error.count("\n") == 1


NEWEST_S = 1_513_282_385
"""2017-12-14T20:13:05Z: 17,514 days of 86,400 seconds, and 72,785 seconds."""
WEEK_S = 604_800


def _store(directory: Path, *events: Event) -> Path:
    store = LmdbStore(directory)
    store.append(events)
    store.close()
    return directory


def _bought(user_id: str, time_s: int, arrival_s: int = 0) -> Event:
    return Event(event_id=f"{user_id} {time_s}", user_id=user_id, item_id="milk", time_s=time_s, arrival_s=arrival_s)


def test_old_events_are_a_warning_with_the_moment_after_the_newest_one(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", _bought("ann", NEWEST_S), _bought("bob", NEWEST_S - 9), _bought("cid", 5))
    warning = old_data(store, NEWEST_S + 3_273 * 86_400.0)
    assert warning.startswith("warning: the newest event is 3,273 days old") and "\n" not in warning
    assert '{"name": "request_time", "shape": [1], "datatype": "BYTES", "data": ["2017-12-14T20:13:06Z"]}' in warning


def test_events_of_the_last_week_are_no_warning(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", _bought("ann", 5), _bought("bob", NEWEST_S), _bought("cid", 6))
    assert old_data(store, NEWEST_S + WEEK_S - 1.0) == ""
    assert "7 days old" in old_data(store, NEWEST_S + WEEK_S)


def test_a_time_in_the_future_counts_as_its_arrival(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", _bought("ann", 4_000_000_000, arrival_s=NEWEST_S))
    assert '"2017-12-14T20:13:06Z"' in old_data(store, NEWEST_S + WEEK_S)


def test_a_store_without_events_is_no_warning_and_none_is_made(tmp_path: Path) -> None:
    assert old_data(_store(tmp_path / "store"), 1e10) == ""
    assert old_data(tmp_path / "nowhere", 1e10) == ""
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    store.append([_bought("ann", NEWEST_S)])
    store.put(iter([(b"aaa", b"no record")]))
    store.close()
    assert "7 days old" in old_data(tmp_path / "store", NEWEST_S + WEEK_S)
