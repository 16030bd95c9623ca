"""Versioned, immutable model directories on disk, and which of them is stable, canary and previous.

ROOT/models/VERSION/                  never changed once there
ROOT/verdicts/VERSION/DIGEST.json     every verdict under which the version was pushed, never changed either
ROOT/cards/VERSION.md                 the model card under the latest verdict
ROOT/outcomes/RUN.json                what push did in a run that has a name
ROOT/state.json                       replaced in one step, under a lock
"""

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.errors import InputError
from model.files import atomic_directory, locked, read_json, write_json
from model.package.manifest import PART, read_manifest, verify
from model.registry.roles import Roles

TRAINED = "aisle"
"""The kind of what is trained, in a manifest; others are baselines."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class State(Roles[str]):
    """Versions in their roles; `history`: how they got there, oldest first.

    Example:
        >>> State(stable="2020-01-06-aa", canary="2020-01-13-bb").previous is None
        True
    """

    history: tuple[dict[str, str | float | None], ...] = ()


class Registry:
    """All operations are idempotent: doing one twice leaves what doing it once left.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     registry = Registry(Path(folder))
        ...     registry.state().stable is None, registry.path("2020-01-06-aa").name
        (True, '2020-01-06-aa')
    """

    def __init__(self, root: Path, service: Callable[[], Roles[str]] | None = None) -> None:
        """`service`: reads the roles of the service on a cluster that it belongs to: their source at each reading."""
        self.root = root
        self._service = service

    def path(self, version: str) -> Path:
        """The model directory of a version, there or not. Raises InputError on what can be no version."""
        return self.root / "models" / _name(version)

    def card(self, version: str) -> Path:
        """The model card of a version, there or not."""
        return self.root / "cards" / f"{_name(version)}.md"

    def outcome(self, run: str) -> Path:
        """The file with what push did in the run of that name, there or not."""
        return self.root / "outcomes" / f"{run}.json"

    def state(self) -> State:
        """The current roles, all empty where there is no registry. Raises InputError on a damaged file."""
        return self._stored() if self._service is None else self.follow(self._service())

    def _stored(self) -> State:
        file = self.root / "state.json"
        if not file.exists():
            return State()
        try:
            value = read_json(file)
            return State(**value | {"history": tuple(value["history"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{file}: expected a registry's state, cannot read it ({error!s:.60})") from None

    def trained_stable(self) -> str:
        """Directory of the stable model when training made it; empty when there is none, or a baseline."""
        stable = self.state().stable
        if stable is None or read_manifest(self.path(stable)).kind != TRAINED:
            return ""
        return str(self.path(stable))

    def add(self, directory: Path) -> str:
        """Copies a verified model directory in; returns its version. What is there already stays as it is.

        Raises:
            ModelRefused: the directory is damaged, not signed where that is asked for, or changed while it was copied;
                or the one that is there is damaged.
        """
        version = verify(directory).version
        target = self.path(version)
        if target.exists():
            verify(target, version)
            return version
        with atomic_directory(target) as fresh:
            shutil.copytree(directory, fresh, symlinks=True, dirs_exist_ok=True)
            verify(fresh, version)
        return version

    def set_stable(self, version: str, note: str = "") -> State:
        """Makes a version stable without a predecessor, as on the first run.

        Args:
            note: for the history: why this one.
        """
        verify(self.path(version), version)
        return self._change("set stable", lambda state: dataclasses.replace(state, stable=version, previous=None), note)

    def keep_verdict(self, version: str, verdict: dict[str, Any]) -> Path:
        """Stores a verdict beside the version's model, named by its content; returns the file."""
        text = json.dumps(verdict, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        file = self.root / "verdicts" / version / f"{digest}.json"
        write_json(file, verdict)
        return file

    def set_canary(self, version: str, note: str = "") -> State:
        """Declares a canary beside the stable version; the stable version itself cannot be one.

        Args:
            note: for the history, empty where nothing is out of the ordinary.
        """
        verify(self.path(version), version)
        return self._change(
            "canary", lambda state: state.roll_back() if state.stable == version else state.start(version), note
        )

    def promote(self) -> State:
        """The canary becomes stable. Raises InputError when there is none."""
        return self._change("promoted", State.promote)

    def revert(self) -> State:
        """What was stable before the last promotion is stable again. Raises InputError without such a version."""
        return self._change("reverted", State.revert)

    def drop_canary(self) -> State:
        """The canary is taken away; stable stays."""
        return self._change("canary dropped", State.roll_back)

    def follow(self, roles: Roles[str]) -> State:
        """Takes over the roles of a service; a stable version that is not in the registry changes nothing."""

        def stored(version: str | None) -> str | None:
            return version if version and self.path(version).exists() else None

        if stored(roles.stable) is None:
            return self._stored()
        stable, canary, previous = map(stored, (roles.stable, roles.canary, roles.previous))
        return self._change(
            "follows the service",
            lambda state: dataclasses.replace(state, stable=stable, canary=canary, previous=previous),
        )

    def _change(self, action: str, move: Callable[[State], State], note: str = "") -> State:
        """Reads, moves and writes the state under one lock; a move that changes nothing is not recorded."""
        with locked(self.root / ".lock"):
            state = self._stored()
            moved = move(state)
            if moved == state:
                return state
            entry: dict[str, str | float | None] = {"time": time.time(), "action": action}
            entry |= {"stable": moved.stable, "canary": moved.canary, "replaced": state.stable}
            entry |= {"note": note} if note else {}
            moved = dataclasses.replace(moved, history=(*state.history, entry))
            write_json(self.root / "state.json", dataclasses.asdict(moved))
            return moved


def _name(version: str) -> str:
    """`version`, when it can be the name of a directory and nothing else."""
    if not PART.fullmatch(version):
        raise InputError(f"version: expected letters, digits and . _ -, got {version!r:.60}")
    return version
