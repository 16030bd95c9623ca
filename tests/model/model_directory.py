"""A model directory without a model: files and a manifest, which is all that the registry and push read."""

import shutil
from pathlib import Path
from typing import Any

from model.files import read_json, write_json, write_text
from model.package.manifest import NAME, Manifest, version_of, write_manifest

CUT_S = 1_512_345_600  # 2017-12-04


def write_model(directory: Path, content: str, kind: str = "aisle") -> str:
    """Replaces the directory; returns the version."""
    shutil.rmtree(directory, ignore_errors=True)
    write_text(directory / "saved_model" / "weights", content)
    write_text(directory / "training.json", "{}")
    return write_manifest(directory, kind=kind, cut_s=CUT_S, items=3, retrieved=0, ranked=0, index={}).version


def with_fields(directory: Path, **fields: Any) -> str:
    """Changes fields of the manifest, and the version with them; returns it."""
    changed = read_json(directory / NAME) | fields
    version = version_of(Manifest(**changed))
    write_json(directory / NAME, changed | {"version": version})
    return version
