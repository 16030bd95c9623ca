"""The rollout's state on disk: for whoever looks, operates, or comes after a crash.

Every change reads, acts and writes under one lock, and counts the generation up: who decided on an older one is
refused, so that two operators, or an operator and a step under way, cannot interleave.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.errors import CheckFailed, InputError
from model.files import read_json, write_json

FILE = "rollout.json"
UNDER_WAY = ("running", "held", "aborted")


@dataclass(frozen=True, kw_only=True)
class Status:
    """`state`: running, held, promoted, rolled_back or aborted. `history`: [{time, event}], oldest first."""

    stable: str
    canary: str
    percent: int
    state: str
    steps: tuple[dict[str, Any], ...] = ()
    history: tuple[dict[str, str], ...] = ()
    previous: str | None = None
    """What was stable before the last promotion."""
    generation: int = 0
    """Counts the changes."""
    next_trip: int = 0
    """Trips of the test span that were played already."""
    started_s: float = 0.0
    """When the rollout began, unix seconds."""

    def noting(self, event: str, **changes: Any) -> "Status":
        """A copy with the changes, and one more line of history."""
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event}
        return replace(self, history=(*self.history, line), **changes)


def begin(directory: Path, status: Status) -> Status:
    """Puts a new rollout in the place of the last one; returns it with its generation.

    Raises InputError while another version's is under way.
    """
    with _lock(directory):
        last = read_status(directory) if (directory / FILE).exists() else replace(status, generation=0)
        if last.state in UNDER_WAY and last.canary != status.canary:
            raise InputError(
                f"rollout: the one of {last.canary} is still {last.state}; promote it or roll it back first"
            )
        return _write(directory, replace(status, generation=last.generation + 1))


def change(directory: Path, move: Callable[[Status], Status], expected: int | None = None) -> Status:
    """Replaces the status by what `move` makes of it; `move` may act on traffic, and is alone while it does.

    Args:
        expected: the generation that the change was decided on; None for any.

    Raises:
        CheckFailed: somebody changed the rollout since then; nothing was done.
        InputError: there is no readable status; nothing is made then.
    """
    read_status(directory)  # before the lock, which is a file in what may be no rollout's directory
    with _lock(directory):
        status = read_status(directory)
        if expected is not None and status.generation != expected:
            last = status.history[-1]["event"] if status.history else "a change"
            raise CheckFailed(f"rollout: {last!r} happened in between, so nothing was done; see `aisle rollout status`")
        return _write(directory, replace(move(status), generation=status.generation + 1))


def read_status(directory: Path) -> Status:
    """Raises InputError when there is no readable status."""
    try:
        value = read_json(directory / FILE)
        return Status(**value | {"steps": tuple(value["steps"]), "history": tuple(value["history"])})
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"rollout: no {FILE} in {directory}; run a rollout first") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"rollout: {directory / FILE} is not a rollout's status ({error!s:.60})") from None


def _write(directory: Path, status: Status) -> Status:
    write_json(directory / FILE, vars(status))
    return status


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".rollout.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
