"""The validate stage: canonical tables -> statistics, schema, anomalies, drift and a report, all in one directory."""

import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.artifacts.tables import IngestReport, Tables
from components.artifacts.validation import (
    Distance,
    Finding,
    Validation,
    ValidationReport,
    verdict_of,
    worst_first,
)
from components.tfdv import statistics, stored_rows, value_counts
from components.tfdv.derived_columns import as_requests, with_derived
from components.tfdv.statistics import Selection
from components.validate import (
    anomalies,
    attribute_changes,
    attributes,
    baseline_drift,
    drift,
    report,
    sanity_checks,
    schemas,
)
from components.validate.load_tables import PARTITION, Loaded, load
from model.data import columns as c
from model.data import schema
from model.data.time_split import cut_seconds
from model.errors import InputError
from model.files import atomic_directory, write_text
from tfx_configs.beam import BeamSettings
from tfx_configs.settings import DataSettings, Start
from tfx_configs.stages import ValidateStage
from tfx_configs.validation import ValidationSettings

Stored = Mapping[str, stored_rows.StoredTable]
"""{table: its files}, of those whose statistics are not computed in memory: large ones, or all on a runner."""


def validate_from_json(*, tables_dir: str, out_dir: str, settings: str, reference_dir: str = "") -> None:
    """`validate`, called from another environment. Raises InputError when there are no tables."""
    source, run = Path(tables_dir), ValidateStage.from_json(settings)
    if not source.is_dir():
        raise InputError(f"tables: expected a directory at {source}, found none; run ingest first")
    validate(
        tables=Tables(source),
        out_dir=Path(out_dir),
        data=run.data,
        settings=run.validation,
        now_s=time.time(),
        start=run.train.start,
        reference=Validation(Path(reference_dir)) if reference_dir else None,
        beam=run.beam,
    )


def validate(
    *,
    tables: Tables,
    out_dir: Path,
    data: DataSettings,
    settings: ValidationSettings,
    now_s: float,
    reference: Validation | None = None,
    start: Start = "scratch",
    beam: BeamSettings = BeamSettings(),
) -> None:
    """Validates the canonical tables and writes components/artifacts/validation.py in one step.

    Statistics, what the schema requires, and drift are of all rows; the plain checks are of `loaded`.

    A verdict of `stop` is an answer here, not an error.

    Args:
        now_s: the present, unix seconds, that no event may lie after.
        reference: of the run that made the stable model.
        start: of training: what a model's new weights start from.
        beam: what computes the statistics; in this process, of all rows of a large table in batches.

    Raises:
        InputError: `reference` holds none, or the runner of Beam is not there.
        StageFailed: the runner broke off.
    """
    loaded: dict[str, Loaded] = {}
    findings = list(tables.report.findings) if (tables.directory / IngestReport.FILE).is_file() else []
    used: dict[str, schema_pb2.Schema] = {}
    for table in schema.TABLES:
        outcome = load(tables, table, settings.max_rows)
        if isinstance(outcome, Finding):
            findings.append(outcome)
        elif outcome is not None:
            loaded[table.name] = outcome
    stored = {name: _stored(each, tables) for name, each in loaded.items() if beam.on_runner or each.stride > 1}
    stats = _of_tables(loaded, stored, beam)
    for name, each in loaded.items():
        used[name] = schemas.read(each.table)
        if each.table.open:
            used[name] = schemas.merged(used[name], tfdv.infer_schema(stats[name]))
            findings += attributes.find(each)
        findings += sanity_checks.missing_columns(each)
        findings += anomalies.find(each, stats[name], used[name])
    findings += sanity_checks.find(loaded, findings, settings, now_s, data)
    if reference is not None:
        findings += attribute_changes.find(loaded, reference, settings, start)
    training, cut_s = _training(loaded, findings, data)
    distances: list[Distance] = []
    moves: list[Distance] = []
    weekly: dict[str, list[float | None]] = {}
    if not training.empty:
        spans = drift.spans(training, settings) | baseline_drift.spans(training, reference, cut_s)
        measured = _of_spans(training, spans, stored.get("events"), beam)
        drifted, distances = drift.find(measured, settings)
        findings, weekly = findings + drifted, drift.by_week(training)
        if reference is not None:
            since, stride = measured[baseline_drift.SINCE], loaded["events"].stride
            moved, moves = baseline_drift.find(training, since, reference, settings, stride)
            findings += moved
    result = ValidationReport(
        verdict=verdict_of(findings),
        anomalies=worst_first(findings),
        drift=tuple(distances),
        reference_drift=tuple(moves),
        rows={name: table.rows for name, table in loaded.items()},
        rows_examined={name: len(table.frame) for name, table in loaded.items()},
        columns={name: len(table.types) for name, table in loaded.items()},
    )
    with atomic_directory(out_dir) as fresh:
        out = Validation(fresh)
        for name in loaded:
            statistics.write(stats[name], out.stats(name))
            write_text(out.schema(name), text_format.MessageToString(used[name]))
        if result.verdict != "stop" and not training.empty:
            baseline_drift.write(training, measured[baseline_drift.TRAINING], out, loaded["events"].stride)
            attribute_changes.write(loaded, out)
            statistics.write(value_counts.of_frame(as_requests(training)), out.requests_stats)
        result.save(fresh)
        write_text(out.page, report.render(loaded, stats, result.anomalies, distances, weekly, moves))


def _of_tables(loaded: Mapping[str, Loaded], stored: Stored, beam: BeamSettings) -> dict[str, statistics.Stats]:
    """{table: statistics of all its rows}, from its files where it is `stored`, else from memory."""
    asked = {name: (source, Selection()) for name, source in stored.items()}
    stats = stored_rows.compute(asked, beam) if asked else {}
    rest = {name: with_derived(each.table, each.frame) for name, each in loaded.items() if name not in stored}
    measured = stats | {name: value_counts.of_frame(frame) for name, frame in rest.items()}
    return {name: measured[name] for name in loaded}


def _of_spans(
    training: pd.DataFrame,
    spans: Mapping[str, Selection],
    events: stored_rows.StoredTable | None,
    beam: BeamSettings,
) -> dict[str, statistics.Stats]:
    """{span: statistics of its events}, from the files of `events`, else from memory."""
    if events is not None:
        return stored_rows.compute({name: (events, span) for name, span in spans.items()}, beam)
    return {name: value_counts.of_frame(span.of(training)) for name, span in spans.items()}


def _stored(loaded: Loaded, tables: Tables) -> stored_rows.StoredTable:
    path = tables.path(loaded.table)
    assert path is not None
    return stored_rows.StoredTable.at(path, loaded.table, PARTITION)


def _training(loaded: dict[str, Loaded], findings: list[Finding], data: DataSettings) -> tuple[pd.DataFrame, float]:
    """The events before the cut with the derived columns, and the cut; no row where event times cannot be trusted."""
    untimely = any(f.table == "events" and f.column == c.TIME and f.severity == "stop" for f in findings)
    if "events" not in loaded or untimely:
        return pd.DataFrame(), 0.0
    events = with_derived(schema.EVENTS, loaded["events"].frame)
    first, last = events[c.TIME].min(), events[c.TIME].max()
    cut_s = cut_seconds(int(first), int(last), data)
    return events[events[c.TIME] < cut_s], float(cut_s)
