"""The validate stage: canonical tables -> statistics, schema, anomalies, drift and a report, all in one directory."""

import time
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
from components.tfdv import statistics
from components.tfdv.derived_columns import as_requests, with_derived
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
from components.validate.load_tables import Loaded, load
from model.data import columns as c
from model.data import schema
from model.data.time_split import cut_seconds
from model.errors import InputError
from model.files import atomic_directory, write_text
from tfx_configs.settings import DataSettings, RunSettings, Start
from tfx_configs.validation import ValidationSettings


def validate_from_json(*, tables_dir: str, out_dir: str, settings: str, reference_dir: str = "") -> None:
    """`validate`, called from another environment. Raises InputError when there are no tables."""
    source, run = Path(tables_dir), RunSettings.from_json(settings)
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
) -> None:
    """Validates the canonical tables and writes components/artifacts/validation.py in one step.

    A verdict of `stop` is an answer here, not an error.

    Args:
        now_s: the present, unix seconds, that no event may lie after.
        reference: of the run that made the stable model.
        start: of training: what a model's new weights start from.

    Raises:
        InputError: `reference` holds none.
    """
    loaded: dict[str, Loaded] = {}
    findings = list(tables.report.findings) if (tables.directory / IngestReport.FILE).is_file() else []
    stats: dict[str, statistics.Stats] = {}
    used: dict[str, schema_pb2.Schema] = {}
    for table in schema.TABLES:
        outcome = load(tables, table, settings.max_rows)
        if isinstance(outcome, Finding):
            findings.append(outcome)
        elif outcome is not None:
            name = table.name
            loaded[name], stats[name] = outcome, statistics.compute(with_derived(table, outcome.frame))
            used[name] = schemas.read(table)
            if table.open:
                used[name] = schemas.merged(used[name], tfdv.infer_schema(stats[name]))
                findings += attributes.find(outcome)
            findings += sanity_checks.missing_columns(outcome)
            findings += anomalies.find(outcome, stats[name], used[name])
    findings += sanity_checks.find(loaded, findings, settings, now_s, data)
    if reference is not None:
        findings += attribute_changes.find(loaded, reference, settings, start)
    training = _training(loaded, findings, data)
    distances: list[Distance] = []
    moves: list[Distance] = []
    weekly: dict[str, list[float | None]] = {}
    if not training.empty:
        drifted, distances = drift.find(training, settings)
        findings, weekly = findings + drifted, drift.by_week(training)
        if reference is not None:
            moved, moves = baseline_drift.find(training, reference, settings, loaded["events"].stride)
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
            baseline_drift.write(training, out, loaded["events"].stride)
            attribute_changes.write(loaded, out)
            statistics.write(statistics.compute(as_requests(training)), out.requests_stats)
        result.save(fresh)
        write_text(out.page, report.render(loaded, stats, result.anomalies, distances, weekly, moves))


def _training(loaded: dict[str, Loaded], findings: list[Finding], data: DataSettings) -> pd.DataFrame:
    """The events before the cut with the derived columns; no row where event times cannot be trusted."""
    untimely = any(f.table == "events" and f.column == c.TIME and f.severity == "stop" for f in findings)
    if "events" not in loaded or untimely:
        return pd.DataFrame()
    events = with_derived(schema.EVENTS, loaded["events"].frame)
    first, last = events[c.TIME].min(), events[c.TIME].max()
    return events[events[c.TIME] < cut_seconds(int(first), int(last), data)]
