from pathlib import Path

import pytest

from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import Decision, Run
from model.errors import InputError

DUE = Decision(train="full", reasons=("weekly: due",))


def test_a_run_is_on_record_from_its_start_with_its_reasons_and_its_end(tmp_path: Path) -> None:
    path = tmp_path / "monitoring" / "runs.json"
    assert record.read(path) == ()
    record.started(path, DUE, 10.0)
    assert record.read(path) == (Run(began_s=10.0, kind="full", ok=None, reasons=("weekly: due",)),)
    assert record.ended(path, True)[-1].ok is True
    record.started(path, DUE, 20.0)
    assert [run.ok for run in record.read(path)] == [True, None]


def test_two_runs_of_one_moment_have_two_names(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    for _ in range(3):
        record.started(path, DUE, 10.0)
        record.ended(path, True)
    assert [run.began_s for run in record.read(path)] == [10.0, 11.0, 12.0]


def test_what_did_not_begin_cannot_end_and_nothing_due_begins_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="under way"):
        record.ended(tmp_path / "runs.json", True)
    with pytest.raises(InputError, match="starts a run"):
        record.started(tmp_path / "runs.json", Decision(train="none", reasons=()), 1.0)


def test_a_record_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text('[{"began": 1}]')
    with pytest.raises(InputError, match="record of training runs"):
        record.read(tmp_path / "runs.json")


def test_a_run_is_known_by_a_name_that_its_beginning_makes_and_an_id_of_where_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    (run,) = record.started(path, DUE, 1_589_166_000.0)
    assert run.name == "aisle-full-20200511T030000Z"
    assert record.known(path, "run-1")[-1].id == "run-1"
    assert record.ended(path, True, blessed=False) == (
        Run(**{**vars(run), "id": "run-1", "ok": True, "blessed": False}),
    )
    with pytest.raises(InputError, match="under way"):
        record.known(path, "run-2")
