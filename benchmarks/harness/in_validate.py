"""Runs in the validate environment: many validations in one process, since importing TFDV takes seconds."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from components.artifacts.validation import Validation
from components.tfdv import statistics
from components.tfdv.derived_columns import with_derived
from components.validate.run import validate_from_json
from model.data import columns as c
from model.data import schema
from model.files import read_json


def validate_all(folders: list[str], out_root: str, settings_json: str, references: dict[str, str]) -> dict[str, Any]:
    """{folder: {"summary": the verdict and its counts, "result": anomalies.json}}.

    Args:
        references: {folder: reference_dir}; may be the output of a folder before it.
    """
    out = {}
    for folder in folders:
        target = Path(out_root) / Path(folder).name
        reference = references.get(folder, "")
        validate_from_json(tables_dir=folder, out_dir=str(target), settings=settings_json, reference_dir=reference)
        report = Validation.load(target).report
        summary = {"verdict": report.verdict, "first_stop": report.stops[0].line() if report.stops else ""}
        out[folder] = {"summary": summary | report.counts, "result": read_json(target / "anomalies.json")}
    return out


def versions() -> dict[str, str]:
    """Versions of what validation runs on."""
    return {name: version(name) for name in ("tensorflow-data-validation", "tensorflow", "numpy")}


def write_training_stats(visits: str, out: str) -> str:
    """Writes requests.stats.pb of trips in Parquet (user_id, time_s, store_id); returns `out`."""
    rows = pd.read_parquet(visits, columns=[c.USER, "time_s", c.STORE]).rename(columns={"time_s": c.TIME})
    rows[c.TIME] = rows[c.TIME].astype("float64")
    statistics.write(statistics.compute(with_derived(schema.EVENTS, rows)), Path(out))
    return out
