"""Serving requests against training: the request log seen as a table, its SERVING schema, and its skew.

Training's side of it is one row a trip, because a request is one trip: shopper, time and store.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.validate import drift, findings, schemas, statistics, tables, time_checks
from components.validate.anomalies import TYPE_NAMES
from components.validate.findings import Finding
from components.validate.tables import HOUR, WEEKDAY
from model.data import columns as c
from model.data import schema
from model.errors import InputError
from model.request_log.reader import read
from tfx_configs.settings import RunSettings
from tfx_configs.validation import ValidationSettings

STATS = "requests.stats.pb"
"""TFDV statistics of the training trips seen as requests."""
LOGGED = {c.USER: "user_id", c.TIME: "time_s", c.STORE: "store_id"}
"""{canonical column: column of the request log}"""
COMPARED = (HOUR, WEEKDAY, c.STORE)


def write(training: pd.DataFrame, out: Path) -> None:
    """Writes the statistics that `skew` compares with. `training`: events before the cut, times in seconds."""
    stats = statistics.compute(as_requests(training))
    (out / STATS).write_bytes(stats.SerializeToString(deterministic=True))


def as_requests(events: pd.DataFrame) -> pd.DataFrame:
    """One row a trip: shopper, first moment, store, and the derived columns."""
    trips = events.groupby([c.USER, c.BASKET], as_index=False)[[c.TIME, c.STORE]].min()
    return tables.with_derived(schema.EVENTS, trips[list(LOGGED)])


def skew(training_stats: str, request_log: str, settings_json: str) -> dict[str, Any]:
    """Validates a request log (model/request_log/reader.py) against the SERVING schema and the training trips.

    Args:
        training_stats: the file `requests.stats.pb` of the validation of the served model's run.
        request_log: its directory, or s3://bucket/path.
        settings_json: RunSettings.

    Returns:
        {verdict, requests, anomalies: findings as in anomalies.json, skew: [{feature, value, limit}]}; distances only
        from drift.MIN_ROWS requests on.

    Raises:
        InputError: one of them is not there, or the log has no row.
    """
    if not Path(training_stats).is_file():
        raise InputError(f"training_stats: expected a file at {training_stats}, found none")
    settings = RunSettings.from_json(settings_json).validation
    frame = _read(request_log)
    found = _schema_findings(frame)
    if c.TIME in frame:
        found += [dataclasses.replace(f, table="requests") for f in time_checks.in_time(frame, time.time())]
    measured = distances(Path(training_stats), frame, settings) if len(frame) >= drift.MIN_ROWS else []
    found += [_skewed(distance, settings) for distance in measured if distance.value > distance.limit]
    found = findings.worst_first(found)
    return {
        "verdict": findings.verdict(found),
        "requests": len(frame),
        "anomalies": [dataclasses.asdict(finding) for finding in found],
        "skew": [dataclasses.asdict(distance) for distance in measured],
    }


def _read(log: str) -> pd.DataFrame:
    """The log as a table of canonical columns with the derived ones; columns that no row has are left out."""
    logged = read(log, columns=list(LOGGED.values()))
    if not len(logged):
        raise InputError(f"request log: expected at least one row in {log}, got none")
    frame = logged.rename_columns(list(LOGGED)).to_pandas().dropna(axis=1, how="all")
    if c.TIME in frame:
        frame[c.TIME] = frame[c.TIME].astype("float64")
    return tables.with_derived(schema.EVENTS, frame)


def _schema_findings(frame: pd.DataFrame) -> list[Finding]:
    used = schemas.read(schema.EVENTS)
    anomalies = tfdv.validate_statistics(statistics.compute(frame), used, environment=schemas.SERVING)
    types = {feature.name: TYPE_NAMES[feature.type] for feature in used.feature}
    return [
        findings.Finding(
            "requests",
            ".".join(info.path.step) or "(table)",
            "tfdv:schema",
            "stop",
            f"{types.get('.'.join(info.path.step), 'the columns of a request')} in every request",
            info.description.split("\n")[0],
            "a client or the server changed: compare model/serving/v2_inputs.py with model/data/schema.py",
        )
        for info in anomalies.anomaly_info.values()
    ]


def distances(training_stats: Path, frame: pd.DataFrame, settings: ValidationSettings) -> list[drift.Distance]:
    """How far the requests (canonical and derived columns) are from the training trips, by feature."""
    trained = statistics.Stats.FromString(training_stats.read_bytes())
    served = statistics.compute(frame)
    there = drift.names(trained) & drift.names(served)
    comparing = schema_pb2.Schema()
    for name in COMPARED:
        if name in there:
            drift.set_limit(drift.add_feature(comparing, name).skew_comparator, name, settings)
    answer = tfdv.validate_statistics(trained, comparing, serving_statistics=served)
    return [
        drift.Distance(feature=".".join(info.path.step), value=measure.value, limit=measure.threshold)
        for info in answer.drift_skew_info
        for measure in info.skew_measurements
    ]


def _skewed(distance: drift.Distance, settings: ValidationSettings) -> Finding:
    expected = f"requests within {distance.limit:g} of the training trips ({drift.measure(distance.feature)})"
    todo = "find out which clients ask differently from how shoppers bought; retrain when it is real"
    severity = drift.severity(distance, settings)
    return findings.Finding("requests", distance.feature, "skew", severity, expected, f"{distance.value:.3f}", todo)
