import json
from pathlib import Path

import pytest

from components.artifacts.monitor_report import RetrainDecision
from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import TrainingRun
from model.errors import InputError

DUE = RetrainDecision(train="scratch", reasons=("weekly: due",))


def test_a_run_is_on_record_from_its_start_with_its_reasons_and_its_end(tmp_path: Path) -> None:
    path = tmp_path / "monitoring" / "runs.json"
    assert record.read(path) == ()
    record.start(path, DUE, 10.0)
    assert record.read(path) == (TrainingRun(began_s=10.0, kind="scratch", ok=None, reasons=("weekly: due",)),)
    assert record.update(path, ok=True)[-1].ok is True
    record.start(path, DUE, 20.0)
    assert [run.ok for run in record.read(path)] == [True, None]


def test_two_runs_of_one_moment_have_two_names(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    for _ in range(3):
        record.start(path, DUE, 10.0)
        record.update(path, ok=True)
    assert [run.began_s for run in record.read(path)] == [10.0, 11.0, 12.0]


def test_what_did_not_begin_cannot_end_and_nothing_due_begins_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="active run"):
        record.update(tmp_path / "runs.json", ok=True)
    with pytest.raises(InputError, match="starts a run"):
        record.start(tmp_path / "runs.json", RetrainDecision(train="none", reasons=()), 1.0)


def test_a_record_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text('[{"began": 1}]')
    with pytest.raises(InputError, match="record of training runs"):
        record.read(tmp_path / "runs.json")


def test_a_run_has_a_name_from_its_beginning_and_an_id_of_where_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    (run,) = record.start(path, DUE, 1_589_166_000.0)
    assert run.name == "aisle-scratch-20200511T030000Z"
    assert record.update(path, id="run-1")[-1].id == "run-1"
    assert record.update(path, ok=True, blessed=False) == (
        run.model_copy(update={"id": "run-1", "ok": True, "blessed": False}),
    )
    with pytest.raises(InputError, match="active run"):
        record.update(path, id="run-2")


def test_a_record_of_an_earlier_release_is_read_with_present_kinds_and_its_own_names(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.json"
    entries = [
        {"began_s": 1_589_166_000.0, "kind": "full", "ok": True, "reasons": ["weekly: due"], "id": "run-1"},
        {"began_s": 1_589_252_400.0, "kind": "incremental", "ok": None, "reasons": [], "id": "", "blessed": None},
    ]
    path.write_text(json.dumps(entries))
    assert [(run.kind, run.name) for run in record.read(path)] == [
        ("scratch", "aisle-full-20200511T030000Z"),
        ("refresh", "aisle-incremental-20200512T030000Z"),
    ]
    record.update(path, ok=True)
    assert [run.name for run in record.read(path)] == [
        "aisle-full-20200511T030000Z",
        "aisle-incremental-20200512T030000Z",
    ]
