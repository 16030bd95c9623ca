"""The record of training runs: why each was started, when, and how it ended. One JSON file, replaced in one step.

A run is recorded before it is started, its id when it has begun, and its end when that is known.
"""

import itertools
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.artifacts.monitor_report import RetrainDecision
from components.monitor.retraining.policy import TrainingRun
from model.errors import InputError
from model.files import write_json

NAME = "training-runs.json"
Runs = tuple[TrainingRun, ...]
_RUNS = TypeAdapter(Runs)


def read(path: Path) -> Runs:
    """Return the runs, oldest first; none without a file. Raises InputError when it is not readable."""
    if not path.exists():
        return ()
    try:
        return _RUNS.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise InputError(f"{path}: expected a record of training runs, got another file ({first})") from None


def start(path: Path, decision: RetrainDecision, now_s: float) -> Runs:
    """Record a run that begins now, or a second later for each before it that has its name.

    Raises InputError for a decision that starts nothing.
    """
    if decision.train == "none":
        raise InputError("expected a decision that starts a run, got none")
    runs = read(path)
    names = {run.name for run in runs}
    moments = (now_s + seconds for seconds in itertools.count())
    unique = (TrainingRun(began_s=s, kind=decision.train, ok=None, reasons=decision.reasons) for s in moments)
    return _write(path, (*runs, next(run for run in unique if run.name not in names)))


def update(path: Path, **changes: Any) -> Runs:
    """Record what became known of the newest run: id, ok, blessed. Raises InputError when none is active."""
    runs = read(path)
    if not runs or runs[-1].ok is not None:
        raise InputError(f"{path}: expected an active run, found none")
    return _write(path, (*runs[:-1], runs[-1].model_copy(update=changes)))


def _write(path: Path, runs: Runs) -> Runs:
    write_json(path, _RUNS.dump_python(runs, mode="json"))
    return runs
