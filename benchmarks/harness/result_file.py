"""What every result says about where and with what it was measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from model.files import write_json

LIBRARIES = ("tensorflow", "tensorflow-recommenders", "tensorflow-model-analysis", "kfp", "kserve", "duckdb", "numpy")
RESULTS = Path("build/bench")


def write_result(name: str, result: dict[str, Any], seed: int) -> Path:
    """Writes build/bench/NAME.json: the result with hardware, versions, seed and time. Returns its path."""
    path = RESULTS / f"{name}.json"
    about = {
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
            "system": platform.platform(),
        },
        "versions": {"python": platform.python_version()} | {library: version(library) for library in LIBRARIES},
        "seed": seed,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(path, about | result)
    return path
