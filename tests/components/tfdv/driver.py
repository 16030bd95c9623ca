"""Runs in the validate environment: all of the tests' work in one process, since importing TFDV takes seconds."""

from pathlib import Path
from typing import Any

from components.artifacts.validation import Validation
from components.tfdv.window_distances import distances
from components.validate.run import validate_from_json
from model.errors import InputError


def measure(tables_dir: str, out_dir: str, settings: str, windows: dict[str, Any]) -> dict[str, Any]:
    """{"measured": distances of the windows from the tables, once validated; "refused": the message without them}."""
    validate_from_json(tables_dir=tables_dir, out_dir=out_dir, settings=settings)
    stats = Validation(Path(out_dir)).requests_stats
    answer: dict[str, Any] = {"measured": distances(training_stats=str(stats), **windows)}
    try:
        distances(training_stats=str(stats.with_name("lost.pb")), **windows)
    except InputError as error:
        answer["refused"] = str(error)
    return answer
