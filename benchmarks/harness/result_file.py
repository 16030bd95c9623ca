"""Results as JSON: where and with what each was measured; those that a test of the product measures."""

import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from model.errors import StageFailed
from model.files import read_json, write_json
from model.package.manifest import installed

LIBRARIES = ("tensorflow", "tensorflow-recommenders", "tensorflow-model-analysis", "kfp", "kserve", "duckdb", "numpy")
RESULTS = Path("build/bench")


def write_result(name: str, result: dict[str, Any], seed: int) -> Path:
    """Writes build/bench/NAME.json: the result with hardware, versions, commit, seed and time. Returns its path."""
    path = RESULTS / f"{name}.json"
    about = {
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": platform.platform(),
        },
        "versions": {"python": platform.python_version()} | {library: installed(library) for library in LIBRARIES},
        "seed": seed,
        "commit": _commit(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(path, about | result)
    return path


def _commit() -> str:
    """Of the program that is measured, `-dirty` where files differ from it; empty outside a clone."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def measured_by(test_file: str, name: str, *options: str) -> dict[str, Any]:
    """Runs the test as a program of its own; what pytest's `--measurements` leaves under `name`.

    Raises:
        StageFailed: the test failed, or was left out because a program is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="aisle-measured-") as folder:
        command = [sys.executable, "-m", "pytest", test_file, "--measurements", folder, *options]
        ended = subprocess.run(command, check=False)
        figures = Path(folder) / f"{name}.json"
        if ended.returncode or not figures.exists():
            raise StageFailed(f"expected {test_file} to pass and to measure {name}; see its output above")
        measured: dict[str, Any] = read_json(figures)
        return measured
