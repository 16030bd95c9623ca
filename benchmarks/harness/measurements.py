"""Figures that a test of the product measures: the test runs as a program of its own, and leaves them as JSON."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from model.errors import StageFailed
from model.files import read_json


def measured_by(test_file: str, name: str, *options: str) -> dict[str, Any]:
    """What pytest's `--measurements` leaves under `name`.

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
