"""Runs in the validate environment: many validations in one process, since importing TFDV takes seconds."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.validate.requests import skew
from components.validate.run import validate
from model.files import read_json


def validate_all(folders: list[str], out_root: str, settings_json: str, reference: str = "") -> dict[str, Any]:
    """{folder: {"summary": what validate returned, "result": its anomalies.json}}.

    With `reference`, tables of a run before, all are compared with its span.
    """
    out, reference_dir = {}, ""
    if reference:
        reference_dir = str(Path(out_root) / "reference")
        validate(reference, reference_dir, settings_json)
    for folder in folders:
        target = Path(out_root) / Path(folder).name
        summary = validate(folder, str(target), settings_json, reference_dir)
        out[folder] = {"summary": summary, "result": read_json(target / "anomalies.json")}
    return out


def skew_all(training_stats: str, logs: list[str], settings_json: str) -> dict[str, Any]:
    """{log: what skew returned}."""
    return {log: skew(training_stats, log, settings_json) for log in logs}


def versions() -> dict[str, str]:
    """Versions of what validation runs on."""
    return {name: version(name) for name in ("tensorflow-data-validation", "tensorflow", "numpy")}
