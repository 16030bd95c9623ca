"""The record of training runs: why each was started, when, and how it ended. One JSON file, replaced in one step.

`start` is written before a run is started, `identify` when it has begun, `end` when its end is known.
"""

import fcntl
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    def add(runs: Runs) -> Runs:
        names = {run.name for run in runs}
        moments = (now_s + seconds for seconds in itertools.count())
        unique = (TrainingRun(began_s=s, kind=decision.train, ok=None, reasons=decision.reasons) for s in moments)
        return (*runs, next(run for run in unique if run.name not in names))

    return _change(path, add)


def identify(path: Path, id: str) -> Runs:
    """Record the newest run's id where it runs. Raises InputError when none is active."""
    return _change(path, lambda runs: _newest(path, runs, id=id))


def end(path: Path, ok: bool, blessed: bool | None = None) -> Runs:
    """Record how the newest run ended, and the gate's verdict. Raises InputError when none is active."""
    return _change(path, lambda runs: _newest(path, runs, ok=ok, blessed=blessed))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the record: other callers wait, so that no other run starts between a decision and its start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".alone").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _newest(path: Path, runs: Runs, **changes: Any) -> Runs:
    if not runs or runs[-1].ok is not None:
        raise InputError(f"{path}: expected an active run, found none")
    return (*runs[:-1], runs[-1].model_copy(update=changes))


def _change(path: Path, change: Callable[[Runs], Runs]) -> Runs:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = change(read(path))
        write_json(path, _RUNS.dump_python(runs, mode="json"))
    return runs
