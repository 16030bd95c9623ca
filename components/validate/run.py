"""The validate stage: canonical tables -> statistics, schema, anomalies, drift and a report, all in one directory."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow_data_validation as tfdv
from google.protobuf import text_format

from components.validate import anomalies, drift, findings, report, schemas, statistics, tables
from components.validate import baseline_drift as reference
from components.validate import sanity_checks as checks
from components.validate import serving_skew as requests
from model.data import columns as c
from model.data import schema
from model.data.time_split import cut_seconds
from model.errors import InputError
from model.files import atomic_directory, write_json, write_text
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.validation import ValidationSettings


def validate(tables_dir: str, out_dir: str, settings_json: str, reference_dir: str = "") -> dict[str, Any]:
    """Validates the canonical tables under `tables_dir` and writes `out_dir` in one step.

    `out_dir` then holds <table>.stats.pb and <table>.schema.pbtxt for each table, anomalies.json, report.html, and what
    later runs and the request log are compared with (reference.py, requests.py). `settings_json` is a RunSettings;
    `reference_dir` is the `out_dir` of the run that made the blessed model, or empty. Returns {verdict, stops,
    warnings, rows, columns, first_stop}; a `stop` is an answer here, not an error. Raises InputError when a directory
    is missing.
    """
    source = Path(tables_dir)
    if not source.is_dir():
        raise InputError(f"tables: expected a directory at {source}, found none; run ingest first")
    settings = RunSettings.from_json(settings_json)
    reference = Path(reference_dir) if reference_dir else None
    return check_tables(source, Path(out_dir), settings.data, settings.validation, time.time(), reference)


def check_tables(
    source: Path,
    out_dir: Path,
    data: DataSettings,
    settings: ValidationSettings,
    now_s: float,
    reference_dir: Path | None = None,
) -> dict[str, Any]:
    """`validate` with every input named: `now_s` is the present, unix seconds, that no event may lie after."""
    loaded: dict[str, tables.Loaded] = {}
    found: list[findings.Finding] = []
    stats: dict[str, statistics.Stats] = {}
    used: dict[str, Any] = {}
    for table in schema.TABLES:
        outcome = tables.load(source, table, settings.max_rows)
        if isinstance(outcome, findings.Finding):
            found.append(outcome)
        elif outcome is not None:
            loaded[table.name] = outcome
            stats[table.name] = statistics.compute(tables.with_derived(table, outcome.frame))
            used[table.name] = schemas.read(table)
            if table.open:
                used[table.name] = schemas.merged(used[table.name], tfdv.infer_schema(stats[table.name]))
            found += checks.missing_columns(outcome)
            found += anomalies.find(outcome, stats[table.name], used[table.name])
    found += checks.find(loaded, found, settings, now_s)
    training = _training(loaded, found, data)
    drifted, distances, weekly = _drift(training, settings)
    moved: list[findings.Finding] = []
    moves: list[drift.Distance] = []
    if reference_dir is not None and not training.empty:
        moved, moves = reference.find(training, reference_dir, settings, loaded["events"].stride)
    found = findings.worst_first(found + drifted + moved)
    result = {
        "verdict": findings.verdict(found),
        "anomalies": [dataclasses.asdict(finding) for finding in found],
        "drift": [dataclasses.asdict(distance) for distance in distances],
        "reference_drift": [dataclasses.asdict(distance) for distance in moves],
        "rows": {name: table.rows for name, table in loaded.items()},
        "rows_examined": {name: len(table.frame) for name, table in loaded.items()},
    }
    with atomic_directory(out_dir) as out:
        for name in loaded:
            (out / f"{name}.stats.pb").write_bytes(stats[name].SerializeToString(deterministic=True))
            write_text(out / f"{name}.schema.pbtxt", text_format.MessageToString(used[name]))
        if result["verdict"] != "stop" and not training.empty:
            reference.write(training, out, loaded["events"].stride)
            requests.write(training, out)
        write_json(out / "anomalies.json", result)
        write_text(out / "report.html", report.render(loaded, stats, found, distances, weekly, moves))
    return _summary(found, loaded)


def _training(loaded: dict[str, tables.Loaded], found: list[findings.Finding], data: DataSettings) -> pd.DataFrame:
    """The events before the cut with the derived columns; no row where event times cannot be trusted."""
    untimely = any(f.table == "events" and f.column == c.TIME and f.severity == "stop" for f in found)
    if "events" not in loaded or untimely:
        return pd.DataFrame()
    events = tables.with_derived(schema.EVENTS, loaded["events"].frame)
    first, last = events[c.TIME].min(), events[c.TIME].max()
    return events[events[c.TIME] < cut_seconds(int(first), int(last), data)]


def _drift(
    training: pd.DataFrame, settings: ValidationSettings
) -> tuple[list[findings.Finding], list[drift.Distance], dict[str, list[float | None]]]:
    """Drift within the training span."""
    if training.empty:
        return [], [], {}
    drifted, distances = drift.find(training, settings)
    return drifted, distances, drift.by_week(training, settings)


def _summary(found: list[findings.Finding], loaded: dict[str, tables.Loaded]) -> dict[str, Any]:
    stops = [finding for finding in found if finding.severity == "stop"]
    return {
        "verdict": findings.verdict(found),
        "stops": len(stops),
        "warnings": len(found) - len(stops),
        "rows": sum(table.rows for table in loaded.values()),
        "columns": sum(len(table.types) for table in loaded.values()),
        "first_stop": stops[0].line() if stops else "",
    }
