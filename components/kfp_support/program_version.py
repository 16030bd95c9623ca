"""What a cached result depends on besides settings and data: the program."""

from pathlib import Path

from model.files import combined_digest, file_digest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ("tfx_configs", "model", "components")
"""Packages whose code runs inside stages."""


def code_version() -> str:
    """Digest of every source file that stages run, and of the locked libraries."""
    files = sorted(path for package in PROGRAM for path in (ROOT / package).rglob("*") if path.is_file())
    files = [path for path in files if not {"__pycache__", "serving"}.intersection(path.parts)]
    files += [path for path in (ROOT / "uv.lock",) if path.exists()]
    return combined_digest({str(path.relative_to(ROOT)): file_digest(path) for path in files})[:16]
