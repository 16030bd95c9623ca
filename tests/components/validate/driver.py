"""Runs in the validate environment: many validations in one process, since importing TFDV takes seconds."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.artifacts.validation import Validation
from components.validate.run import validate_from_json
from model.errors import InputError
from model.files import read_json


def validate_all(
    folders: list[str], out_root: str, settings_json: str, references: dict[str, str] | None = None
) -> dict[str, Any]:
    """{folder: {"summary": the verdict and its counts, "result": anomalies.json}}, or {folder: {"refused": why}}.

    references: {folder: reference_dir}; may be the output of a folder before it.
    """
    out: dict[str, Any] = {}
    for folder in folders:
        target = Path(out_root) / Path(folder).name
        try:
            reference = (references or {}).get(folder, "")
            validate_from_json(tables_dir=folder, out_dir=str(target), settings=settings_json, reference_dir=reference)
        except InputError as error:
            out[folder] = {"refused": str(error)}
            continue
        report = Validation.load(target).report
        summary = {"verdict": report.verdict, "first_stop": report.stops[0].line() if report.stops else ""}
        out[folder] = {"summary": summary | report.counts, "result": read_json(target / "anomalies.json")}
    return out


def versions() -> dict[str, str]:
    """Versions of what validation runs on."""
    return {name: version(name) for name in ("tensorflow-data-validation", "tensorflow-cpu", "numpy")}
