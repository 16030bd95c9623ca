"""The record of a rollout on this machine: rollout.json, for those who read, operate, or resume it after a crash.

Every change reads, acts and writes under one lock, and increments the generation: a change decided on an older one is
refused, so that two operators, or an operator and a running step, cannot interleave. Which version is stable, canary
and previous is in the registry alone (model/registry/roles.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from components.artifacts.artifact import Artifact, Record
from components.rollout.decision.guard import Measurement
from components.rollout.decision.states import State
from model.errors import CheckFailed, InputError
from model.files import locked

LOCK = ".rollout.lock"


class StepRecord(Record):
    """One step: its traffic, what was measured of both versions, and the decision. Dictionaries: {side: value}."""

    declared_percent: int
    observed_percent: float
    """Of the requests."""
    observed_shopper_percent: float
    requests: int
    canary_requests: int
    canary_errors: int
    shoppers: int
    canary_shoppers: int
    failed_requests: int
    """Without a 200, whichever side answered."""
    p50_ms: dict[str, float] = {}
    p99_ms: dict[str, float] = {}
    hits_per_trip: dict[str, float] = {}
    agreement: float | None = None
    list_overlap: dict[str, float] = {}
    split_p_value: float
    weight_change_ms: float = 0.0
    """From the order to change the share to its effect."""
    decision: str
    reasons: tuple[str, ...]
    began: str = ""
    """ISO 8601, as `ended`."""
    ended: str = ""
    guards: tuple[Measurement, ...] = ()


class Event(Record):
    """One line of the history. `time`: ISO 8601."""

    time: str
    event: str


class RolloutRecord(Artifact, file="rollout.json", stage="rollout"):
    """The course of one rollout."""

    candidate: str
    """The version that is rolled out."""
    stable_before: str
    """The version that was stable when it began."""
    percent: int
    """The candidate's declared share."""
    state: State = State.RUNNING
    steps: tuple[StepRecord, ...] = ()
    history: tuple[Event, ...] = ()
    """Oldest first."""
    generation: int = 0
    """Number of changes."""
    next_trip: int = 0
    """Trips of the test span that were played already."""
    started_s: float = 0.0
    """When the rollout began, unix seconds."""

    def noting(self, event: str, **changes: Any) -> Self:
        """A copy with the changes of fields, and one more line of history."""
        line = Event(time=datetime.now(UTC).isoformat(timespec="seconds"), event=event)
        return self.model_copy(update={"history": (*self.history, line), **changes})

    def stored(self, directory: Path, generation: int) -> Self:
        """Saves it under this generation; returns what was saved."""
        record = self.model_copy(update={"generation": generation})
        record.save(directory)
        return record


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What `on_progress` gets every few requests; `planned` grows when a step needs more traffic."""

    percent: int
    requests: int
    planned: int
    failed: int


class ServingFigures(Record):
    """One client through Envoy, and the CPU of the model servers alone."""

    p50_ms: float
    p99_ms: float
    rps: float
    cpu_ms_per_request: float
    stages_ms: dict[str, float]
    """{stage: mean}, which add up to the mean of an answer."""


class RolloutResult(Record):
    """The outcome of a rollout, or of one step of it."""

    final_state: State
    """running: after a single step that was taken."""
    steps: tuple[StepRecord, ...]
    failed_requests: int
    """Recommendations without a 200 over the whole replay."""
    failed_events: int
    """Baskets that were not accepted."""
    serving: ServingFigures | None = None
    """None after a single step."""


def begin(directory: Path, record: RolloutRecord) -> RolloutRecord:
    """Puts a new rollout in the place of the last one; returns it with its generation.

    Raises InputError while a rollout of another version is active.
    """
    with locked(directory / LOCK):
        last = RolloutRecord.load(directory) if (directory / RolloutRecord.FILE).exists() else None
        if last and last.state.active and last.candidate != record.candidate:
            raise InputError(
                f"rollout: the one of {last.candidate} is still {last.state}; promote it or roll it back first"
            )
        return record.stored(directory, last.generation + 1 if last else 1)


def change(
    directory: Path, move: Callable[[RolloutRecord], RolloutRecord], expected: int | None = None
) -> RolloutRecord:
    """Replaces the record by what `move` makes of it; `move` may act on traffic, and is alone while it does.

    Args:
        expected: the generation that the change was decided on; None for any.

    Raises:
        CheckFailed: the rollout has changed since then; nothing was done.
        InputError: there is no readable record; nothing is made then.
    """
    RolloutRecord.load(directory)  # before the lock, which is a file in what may be no rollout's directory
    with locked(directory / LOCK):
        record = RolloutRecord.load(directory)
        if expected is not None and record.generation != expected:
            last = record.history[-1].event if record.history else "a change"
            raise CheckFailed(f"rollout: {last!r} happened in between, so nothing was done; see `aisle rollout status`")
        return move(record).stored(directory, record.generation + 1)
