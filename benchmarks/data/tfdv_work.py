"""Runs in the validate environment: many validations in one process, since importing TFDV takes seconds."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.validate.run import validate
from model.files import read_json


def validate_all(
    folders: list[str], out_root: str, settings_json: str, references: dict[str, str] | None = None
) -> dict[str, Any]:
    """{folder: {"summary": what validate returned, "result": its anomalies.json}}.

    Args:
        references: {folder: reference_dir}; may be the output of a folder before it.
    """
    out = {}
    for folder in folders:
        target = Path(out_root) / Path(folder).name
        summary = validate(folder, str(target), settings_json, (references or {}).get(folder, ""))
        out[folder] = {"summary": summary, "result": read_json(target / "anomalies.json")}
    return out


def versions() -> dict[str, str]:
    """Versions of what validation runs on."""
    return {name: version(name) for name in ("tensorflow-data-validation", "tensorflow", "numpy")}
