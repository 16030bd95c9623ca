"""The record of training runs: why each was started, when, and how it ended. One JSON file, replaced in one step.

`started` is written before a run is started, `known` when it has begun, `ended` when its end is known; the policy reads
what is there.
"""

import dataclasses
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.monitor.retraining.policy import Decision, Run
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
    """Notes a run that begins now, or a second later for each before it that has its name.

    Raises InputError for a decision that starts nothing.
    """
    if decision.train == "none":
        raise InputError("expected a decision that starts a run, got none")
    fresh = Run(began_s=now_s, kind=decision.train, ok=None, reasons=decision.reasons)

    def add(runs: tuple[Run, ...]) -> tuple[Run, ...]:
        taken, unique = {run.name for run in runs}, fresh
        while unique.name in taken:
            unique = dataclasses.replace(unique, began_s=unique.began_s + 1)
        return (*runs, unique)

    return _change(path, add)


def known(path: Path, id: str) -> tuple[Run, ...]:
    """Notes what the newest run is called where it runs. Raises InputError when none is under way."""
    return _change(path, lambda runs: _newest(path, runs, id=id))


def ended(path: Path, ok: bool, blessed: bool | None = None) -> tuple[Run, ...]:
    """Notes how the newest run ended, and what the gate said. Raises InputError when none is under way."""
    return _change(path, lambda runs: _newest(path, runs, ok=ok, blessed=blessed))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Others who ask for the same record wait here: between a look at the runs and a start nobody else starts one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".alone").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _newest(path: Path, runs: tuple[Run, ...], **changes: Any) -> tuple[Run, ...]:
    if not runs or runs[-1].ok is not None:
        raise InputError(f"{path}: expected a run under way, found none")
    return (*runs[:-1], dataclasses.replace(runs[-1], **changes))


def _change(path: Path, move: Callable[[tuple[Run, ...]], tuple[Run, ...]]) -> tuple[Run, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = move(read(path))
        write_json(path, [dataclasses.asdict(run) for run in runs])
    return runs
