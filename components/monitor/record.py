"""The record of training runs: why each was started, when, and how it ended. One JSON file, replaced in one step.

Whoever starts a run writes `started` before and `ended` after it; the policy reads what is there.
"""

import dataclasses
import fcntl
from collections.abc import Callable
from pathlib import Path

from components.monitor.policy import Decision, Run
from model.errors import InputError
from model.files import read_json, write_json


def read(path: Path) -> tuple[Run, ...]:
    """The runs, oldest first; none without a file. Raises InputError when it is not readable."""
    if not path.exists():
        return ()
    try:
        return tuple(Run(**entry | {"reasons": tuple(entry["reasons"])}) for entry in read_json(path))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: expected a record of training runs, got another file ({error})") from None


def started(path: Path, decision: Decision, now_s: float) -> tuple[Run, ...]:
    """Notes a run that begins now. Raises InputError for a decision that starts nothing."""
    if decision.train == "none":
        raise InputError("expected a decision that starts a run, got none")
    fresh = Run(began_s=now_s, kind=decision.train, ok=None, reasons=decision.reasons)
    return _change(path, lambda runs: (*runs, fresh))


def ended(path: Path, ok: bool) -> tuple[Run, ...]:
    """Notes how the newest run ended. Raises InputError when none is under way."""

    def close(runs: tuple[Run, ...]) -> tuple[Run, ...]:
        if not runs or runs[-1].ok is not None:
            raise InputError(f"{path}: expected a run under way, found none")
        return (*runs[:-1], dataclasses.replace(runs[-1], ok=ok))

    return _change(path, close)


def _change(path: Path, move: Callable[[tuple[Run, ...]], tuple[Run, ...]]) -> tuple[Run, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = move(read(path))
        write_json(path, [dataclasses.asdict(run) for run in runs])
    return runs
