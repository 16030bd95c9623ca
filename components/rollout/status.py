"""The rollout's state on disk, for `aisle rollout status` and for whoever comes after a crash."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.files import read_json, write_json

FILE = "rollout.json"


@dataclass(frozen=True, kw_only=True)
class Status:
    """`state`: running, promoted, rolled_back or held. `history`: [{time, event}], oldest first."""

    stable: str
    canary: str
    percent: int
    state: str
    steps: tuple[dict[str, Any], ...] = ()
    history: tuple[dict[str, str], ...] = ()

    def noting(self, event: str, **changes: Any) -> "Status":
        """A copy with the changes, and one more line of history."""
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event}
        return replace(self, history=(*self.history, line), **changes)


def write_status(directory: Path, status: Status) -> None:
    """Replaces the status file in one step."""
    write_json(directory / FILE, vars(status))


def read_status(directory: Path) -> Status:
    """Raises InputError when there is no readable status."""
    try:
        value = read_json(directory / FILE)
        return Status(**value | {"steps": tuple(value["steps"]), "history": tuple(value["history"])})
    except FileNotFoundError:
        raise InputError(f"rollout: no {FILE} in {directory}; run a rollout first") from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"rollout: {directory / FILE} is not a rollout's status ({error!s:.60})") from None
