"""What passes between ingest, validate, examples and train: files and keys stay, and a wrong directory is one error."""

from pathlib import Path

import pytest

from components.artifacts.examples import Examples, ExamplesReport
from components.artifacts.tables import IngestReport, Tables
from components.artifacts.training import Calibration, Epoch, TrainingRecord
from components.artifacts.validation import Distance, Finding, Span, Validation, ValidationReport
from model.data.schema import EVENTS, USERS
from model.errors import InputError
from model.files import read_json, write_json

FINDING = Finding("events", "price", "scale", "stop", "euros", "cents", "convert it")


@pytest.mark.parametrize(
    ("load", "stage", "file"),
    [
        (Tables.load, "ingest", "ingest.json"),
        (lambda path: Tables(path).report, "ingest", "ingest.json"),
        (Validation.load, "validate", "anomalies.json"),
        (lambda path: Validation(path).report, "validate", "anomalies.json"),
        (Examples.load, "examples", "trips"),
        (lambda path: Examples(path).report, "examples", "examples.json"),
        (TrainingRecord.load, "train", "training.json"),
    ],
)
def test_a_directory_without_the_artifact_is_one_error_that_names_file_and_stage(
    load, stage: str, file: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert str(refused.value) == f"{stage}: expected {file} in {tmp_path}, found none; run {stage} first"


@pytest.mark.parametrize("kind", [IngestReport, ValidationReport, Span, ExamplesReport, TrainingRecord])
def test_a_file_that_lacks_a_field_is_one_error_that_names_it(kind, tmp_path: Path) -> None:
    write_json(tmp_path / kind.FILE, {})
    first = next(name for name, field in kind.model_fields.items() if field.is_required())
    with pytest.raises(InputError, match=rf"^[^\n]*{kind.FILE}: {first}: Field required; run {kind.STAGE} again$"):
        kind.load(tmp_path)


def test_a_table_is_a_directory_of_parts_or_a_file_and_may_be_missing(tmp_path: Path) -> None:
    assert Tables(tmp_path).path(EVENTS) is None and Tables(tmp_path).users is None
    for name in ("events.parquet", "users.parquet"):
        (tmp_path / name).touch()
    assert Tables(tmp_path).path(EVENTS) == tmp_path / "events.parquet"
    assert Tables(tmp_path).path(USERS) == Tables(tmp_path).users == tmp_path / "users.parquet"
    (tmp_path / "events").mkdir()
    assert Tables(tmp_path).path(EVENTS) == Tables(tmp_path).events == tmp_path / "events"


def test_a_validation_report_reads_as_it_was_saved_and_has_its_keys(tmp_path: Path) -> None:
    distance = Distance(feature="hour", value=0.2, limit=0.03)
    report = ValidationReport(verdict="stop", anomalies=(FINDING,), drift=(distance,), rows={"events": 5, "items": 2})
    report.save(tmp_path)
    assert Validation.load(tmp_path).report == report
    stored = read_json(tmp_path / "anomalies.json")
    assert stored["anomalies"][0] == {
        "table": "events",
        "column": "price",
        "check": "scale",
        "severity": "stop",
        "expected": "euros",
        "received": "cents",
        "what_to_do": "convert it",
    }
    assert stored["drift"] == [{"feature": "hour", "value": 0.2, "limit": 0.03}]
    assert report.counts == {"stops": 1, "warnings": 0, "rows": 7, "columns": 0}
    assert report.stops[0].line() == "events.price: expected euros, received cents; convert it"


def test_a_run_that_was_stopped_has_no_span(tmp_path: Path) -> None:
    assert Validation(tmp_path).span is None
    Span(events=900, days=300).save(tmp_path)
    assert Validation(tmp_path).span == Span(events=900, days=300)


def test_a_training_record_leaves_out_what_did_not_take_place() -> None:
    refreshed = TrainingRecord(start="refresh", parent="v1", learned_until_s=5)
    nothing = {"curves": {}, "query": "taste", "query_recall": {}, "warnings": []}
    assert refreshed.as_json() == {"start": "refresh", "parent": "v1", "learned_until_s": 5} | nothing
    assert refreshed.figures == {}
    learned = TrainingRecord(
        start="scratch",
        learned_until_s=9,
        train_trips=3,
        valid_trips=0,
        query="sequence",
        query_recall={"taste": 0.1, "sequence": 0.2},
        warnings=("few steps",),
        curves={"ranker": (Epoch(loss=0.7, parts=(0.7,)), Epoch(loss=0.5, val_loss=0.6, parts=(0.5,)))},
        calibration=Calibration(slope=1.0, offset=0.0, listed=0, bought=0),
        settings={"data": {"cut_date": None}},
    )
    assert learned.as_json() == {
        "start": "scratch",
        "learned_until_s": 9,
        "train_trips": 3,
        "valid_trips": 0,
        "curves": {"ranker": [{"loss": 0.7, "parts": [0.7]}, {"loss": 0.5, "val_loss": 0.6, "parts": [0.5]}]},
        "query": "sequence",
        "query_recall": {"taste": 0.1, "sequence": 0.2},
        "warnings": ["few steps"],
        "calibration": {"slope": 1.0, "offset": 0.0, "listed": 0, "bought": 0},
        "settings": {"data": {"cut_date": None}},
    }
    assert learned.figures == {"ranker_loss": 0.5, "ranker_val_loss": 0.6}
