"""The record of a rollout on a cluster: what is read from it, and from the service beside it, and what is written."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from components.inference_service.observed import Observed, observe
from components.inference_service.traffic import HISTORY, HISTORY_LINES, KubeObject, Traffic, rewritten
from components.rollout.decision.states import State

STATE, STARTED, SINCE, NOTE = "rollout-state", "rollout-started", "rollout-since", "rollout-note"
AFTER_AN_EDIT = {
    "canary": State.RUNNING,
    "rollback": State.ROLLED_BACK,
    "promotion": State.PROMOTED,
    "revert": State.ROLLED_BACK,
}
"""The state after a change of the service by other means than Aisle; a changed share leaves it."""
DECIDED = "rollout-decided"
"""The end that was decided and is not carried out yet, and the version that is stable then: the next process does."""
CLAIM = "rollout-claim"
"""Another value with every write: an apply that changes nothing would pass under any resourceVersion."""


@dataclass(frozen=True, kw_only=True)
class ClusterRecord:
    """The record as it is. Times are unix seconds; `started_s` is None before the first step."""

    traffic: Traffic
    state: State
    started_s: float | None
    since_s: float
    """When the current share was set."""
    note: str
    resource_version: str
    present: Observed
    """The service beside the record: what was changed by other means than Aisle is in `traffic` and `state` already."""
    decided: str = ""
    """DECIDED."""


def read_record(service: KubeObject, config_map: KubeObject) -> ClusterRecord:
    """The record as it is, with what was changed by other means than Aisle."""
    present, data = observe(service, config_map), config_map.get("data") or {}
    state = State(data.get(STATE, State.RUNNING if present.recorded.canary else State.PROMOTED))
    started, decided = data.get(STARTED), data.get(DECIDED, "")
    if present.change == "rollback" and decided.startswith(State.PROMOTED):
        decided = ""  # an operator took the canary away while it was promoted
    return ClusterRecord(
        traffic=present.traffic,
        state=state if decided else AFTER_AN_EDIT.get(present.change, state),
        started_s=float(started) if started else None,
        since_s=float(data.get(SINCE, 0)),
        note=present.line() if present.change else data.get(NOTE, ""),
        resource_version=config_map.get("metadata", {}).get("resourceVersion", ""),
        present=present,
        decided=decided,
    )


def line_of(written: ClusterRecord) -> str:
    """What was done, for the history and the Event."""
    note = written.note[:300]
    return f"{written.traffic.percent} %  {note}" if written.traffic.canary else note


def written_record(config_map: KubeObject, written: ClusterRecord, namespace: str, event: str) -> KubeObject:
    """The ConfigMap that has it, with the keys that are not the rollout's as they are.

    event: the first word of its line in the history; empty: there is none.
    """
    part = rewritten(config_map, written.traffic, namespace)
    part["data"] |= {
        STATE: str(written.state),
        SINCE: f"{written.since_s:.0f}",
        NOTE: written.note[:500],
        CLAIM: uuid.uuid4().hex,
    }
    part["data"].pop(DECIDED, None)
    if written.decided:
        part["data"][DECIDED] = written.decided
    if written.started_s is not None:
        part["data"][STARTED] = f"{written.started_s:.0f}"
    if event:
        before = part["data"].get(HISTORY, "").splitlines()
        dated = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}  {event}  {line_of(written)}"
        part["data"][HISTORY] = "\n".join([*before, dated][-HISTORY_LINES:])
    return part
