"""Runs in the validate environment: many validations in one process, since importing TFDV takes seconds."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.validate.run import validate
from components.validate.serving_skew import skew
from model.errors import InputError
from model.files import read_json


def validate_all(
    folders: list[str], out_root: str, settings_json: str, references: dict[str, str] | None = None
) -> dict[str, Any]:
    """{folder: {"summary": what validate returned, "result": its anomalies.json}}, or {folder: {"refused": why}}.

    references: {folder: reference_dir}; may be the output of a folder before it.
    """
    out: dict[str, Any] = {}
    for folder in folders:
        target = Path(out_root) / Path(folder).name
        try:
            summary = validate(folder, str(target), settings_json, (references or {}).get(folder, ""))
        except InputError as error:
            out[folder] = {"refused": str(error)}
            continue
        out[folder] = {"summary": summary, "result": read_json(target / "anomalies.json")}
    return out


def skew_all(training_stats: str, logs: list[str], settings_json: str) -> dict[str, Any]:
    """{log: what skew returned}, or {log: {"refused": why}}."""
    out: dict[str, Any] = {}
    for log in logs:
        try:
            out[log] = skew(training_stats, log, settings_json)
        except InputError as error:
            out[log] = {"refused": str(error)}
    return out


def skew_after_validation(tables: str, out_root: str, logs: list[str], settings_json: str) -> dict[str, Any]:
    """What skew_all returns, against the statistics that the validation of `tables` left."""
    validate_all([tables], out_root, settings_json)
    return skew_all(str(Path(out_root) / Path(tables).name / "requests.stats.pb"), logs, settings_json)


def versions() -> dict[str, str]:
    """Versions of what validation runs on."""
    return {name: version(name) for name in ("tensorflow-data-validation", "tensorflow", "numpy")}
