"""A rollout on a cluster, one idempotent step at a time, in both of KServe's modes.

State lives in the record beside the InferenceService (ConfigMap aisle-traffic): roles, share, state, since when. A
decision is claimed there first, under the record's resourceVersion: of two operators who read the same record, one is
refused before anything moves. A step that dies after its claim is decided again by the next.

A new canary, declared by push, comes with an empty state: its rollout begins with the first step.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from components.inference_service.cluster_client import Cluster
from components.inference_service.observed import Observed, observe
from components.inference_service.readiness import Check, canary_ready, canary_serves, newest_revision
from components.inference_service.service_report import service_lines
from components.inference_service.shift import Patience, drifted, prepare, promote, put, roll_back, wait
from components.inference_service.traffic import HISTORY, HISTORY_LINES, Traffic, mode, rewritten, with_canary
from components.kfp_support.progress import progress
from components.rollout.decision import state_machine
from components.rollout.decision.state_machine import END_PERCENT, Decision, RolloutState, decide
from components.rollout.decision.states import Command, State
from components.rollout.kserve.observers import Moment, Observer, observed, pods
from components.rollout.kserve.prometheus import Query, gather
from components.rollout.traffic_adapter import RolloutStatus
from model.errors import CheckFailed, InputError
from tfx_configs.settings import RolloutSettings

STATE, STARTED, SINCE, NOTE = "rollout-state", "rollout-started", "rollout-since", "rollout-note"
DECIDED = "rollout-decided"
"""The end that was decided and is not carried out yet, and the version that is stable then: the next process does."""
AFTER_AN_EDIT = {
    "canary": State.RUNNING,
    "rollback": State.ROLLED_BACK,
    "promotion": State.PROMOTED,
    "revert": State.ROLLED_BACK,
}
"""The state after a change of the service by other means than Aisle; a changed share leaves it."""
CLAIM = "rollout-claim"
"""Another value with every write: an apply that changes nothing would pass under any resourceVersion."""
DOWN_AFTER, READY_EVERY_S = 3, 2.0
"""A canary is down when so many readiness checks in a row fail, so many seconds apart."""
PLAN = RolloutSettings(min_hours=24.0)
"""The default on a cluster: each share lasts a day, so that the hours of a day are all in its outcomes."""


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


@dataclass(frozen=True, kw_only=True)
class ClusterTraffic:
    """components.rollout.traffic_adapter.TrafficAdapter of the service on a cluster, and its steps."""

    cluster: Cluster
    patience: Patience = field(default_factory=Patience)
    observers: Sequence[Observer] = ()
    """What sees more than the servers' metrics and the pods."""

    def record(self) -> ClusterRecord:
        """Raises InputError when the service was never pushed to."""
        config_map = self.cluster.record()
        present, data = observe(self.cluster.service(), config_map), config_map.get("data") or {}
        state = State(data.get(STATE, State.RUNNING if present.recorded.canary else State.PROMOTED))
        started, decided = data.get(STARTED), data.get(DECIDED, "")
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

    def status(self) -> RolloutStatus:
        current = self.record()
        details = service_lines(self.cluster.service(), self.cluster.pods(), self.cluster.route(), current.present)
        if current.present.drift:
            details = (drifted(current.present.drift, self.cluster.namespace), *details)
        return RolloutStatus(
            roles=current.traffic.names(),
            percent=current.traffic.percent,
            state=current.state,
            note=current.note,
            details=details,
        )

    def command(self, order: Command, operator: str) -> RolloutStatus:
        current = self.record()
        if current.present.drift:
            return self._end_drift(current, order, operator)
        after = state_machine.command(RolloutState(percent=current.traffic.percent, state=current.state), order)
        note = f"{order} by {operator}"
        if after.state.active:
            self._write(replace(current, state=after.state, note=note), claim=True, event=order.capitalize())
        else:
            self._end(current, after.state, note)
        return self.status()

    def step(self, plan: RolloutSettings, query: Query, now_s: float) -> Decision:
        """Gathers evidence, decides, moves; the first step of a canary only notes when its evidence begins.

        Args:
            now_s: unix seconds.

        Returns:
            The decision; without a canary one of `none`.

        Raises:
            InputError: a canary without a stable version.
            CheckFailed: the record changed in between, or the cluster refused; the other change stays.
        """
        current = self.record()
        if current.decided:
            state = self._finish(current)
            action: Literal["promote", "rollback"] = "promote" if state == State.PROMOTED else "rollback"
            return Decision(action=action, percent=END_PERCENT[state], reasons=(f"resumed: {current.note}",))
        if current.present.drift:
            reasons = (drifted(current.present.drift, self.cluster.namespace),)
            return Decision(action="hold", percent=current.traffic.percent, reasons=reasons)
        if current.present.change:
            return self._adopt(current, now_s)
        prepare(self.cluster, current.traffic, current.traffic.percent)
        current = self.record()
        traffic = current.traffic
        if traffic.canary is None:
            return Decision(action="none", percent=0, reasons=("no canary is declared",))
        if traffic.stable is None:
            raise InputError("rollout: expected a canary beside a stable version, the service has none; push a model")
        if current.started_s is None:
            state = State.HELD if traffic.percent in plan.pauses else current.state
            began = replace(current, state=state, started_s=now_s, since_s=now_s, note="began")
            self._write(began, claim=True, event="Began")
            return _waiting(traffic.percent, "traffic: it begins now")
        service = self.cluster.service()
        ready = self._passes(canary_serves(mode(service), traffic.canary.predictor, traffic.percent))
        moment = Moment(
            namespace=self.cluster.namespace,
            stable=traffic.stable,
            canary=traffic.canary,
            percent=traffic.percent,
            since_s=current.since_s,
            now_s=now_s,
            pods=self.cluster.pods(),
        )
        evidence = gather(
            query,
            namespace=self.cluster.namespace,
            stable=traffic.stable.name,
            canary=traffic.canary.name,
            window_s=now_s - current.since_s,
            ready=ready,
            age_s=now_s - current.started_s,
        )
        evidence = observed(moment, evidence, (pods, *self.observers))
        decision = decide(plan, RolloutState(percent=traffic.percent, state=current.state), evidence)
        if decision.action == "hold":
            return decision
        if decision.action == "step":
            if wanting := prepare(self.cluster, traffic, decision.percent):
                return _waiting(traffic.percent, wanting)
            # The evidence of the new share begins before it, so that no request of the old one is ever in it.
            state = State.HELD if decision.pauses else current.state
            claimed = replace(current, state=state, since_s=now_s, note=decision.line)
            self._write(claimed, claim=True)
            after = replace(traffic, percent=decision.percent)
            put(self.cluster, after, expected=traffic, resumed=True)
            self._write(replace(claimed, traffic=after), event="Stepped")
        else:
            state = State.PROMOTED if decision.action == "promote" else State.ROLLED_BACK
            self._end(current, state, decision.line)
        return decision

    def scheduled_step(self, plan: RolloutSettings, query: Query, now_s: float) -> Decision:
        """`step` as a schedule needs it.

        Raises:
            CheckFailed: rolled back, or held for a reason that no traffic will end: an operator should check.
        """
        decision = self.step(plan, query, now_s)
        if decision.action == "rollback" or (decision.action == "hold" and not decision.wants_traffic):
            raise CheckFailed(decision.line)
        progress(decision.line)
        return decision

    def _passes(self, check: Check) -> bool:
        """Whether it holds in one of its first DOWN_AFTER evaluations: one missed probe is no failure."""
        for attempt in range(DOWN_AFTER):
            if attempt:
                self.patience.sleep(READY_EVERY_S)
            if check(self.cluster.service(), self.cluster.pods()):
                return True
        return False

    def _adopt(self, current: ClusterRecord, now_s: float) -> Decision:
        """Takes over what was changed by other means than Aisle; the evidence of a new share starts now."""
        self._write(replace(current, since_s=now_s), claim=True, event="Adopted")
        reasons = (f"adopted: {current.note}",)
        if current.traffic.canary is None:
            put(self.cluster, current.traffic, expected=current.traffic, resumed=True)  # stable's own minimum again
            return Decision(action="none", percent=0, reasons=reasons)
        return _waiting(current.traffic.percent, *reasons)

    def _end_drift(self, current: ClusterRecord, order: Command, operator: str) -> RolloutStatus:
        """The record's stable version alone; any other order raises CheckFailed."""
        if order != Command.ROLLBACK:
            raise CheckFailed(drifted(current.present.drift, self.cluster.namespace))
        state = State.ROLLED_BACK if current.traffic.canary is not None else current.state
        self._write(replace(current, note=f"{order} by {operator}"), claim=True)
        traffic = roll_back(self.cluster, self.patience)
        self._write(replace(current, traffic=traffic, state=state, note=f"{order} by {operator}"), event="RolledBack")
        return self.status()

    def _end(self, current: ClusterRecord, state: State, note: str) -> None:
        """Claims that it ends so, then carries it out: killed in between, it is resumed by the next process."""
        ends = {State.PROMOTED: Traffic.promote, State.ROLLED_BACK: Traffic.roll_back}
        after = current.traffic.revert() if current.state == State.PROMOTED else ends[state](current.traffic)
        assert after.stable is not None
        decided = replace(current, note=note, decided=f"{state} {after.stable.name}")
        self._write(decided, claim=True)
        self._finish(decided)

    def _finish(self, current: ClusterRecord) -> State:
        """Carries out the end that was claimed; what is done already is not done again."""
        name, _, stable = current.decided.partition(" ")
        state, traffic = State(name), current.traffic
        if traffic.canary is not None or traffic.stable is None or traffic.stable.name != stable:
            if state == State.PROMOTED:
                traffic = promote(self.cluster, self.patience)
            elif current.state == State.PROMOTED:
                traffic = self._bring_back(traffic)
            else:
                traffic = roll_back(self.cluster, self.patience)
        event = "Promoted" if state == State.PROMOTED else "RolledBack"
        self._write(replace(current, traffic=traffic, state=state, decided=""), event=event)
        return state

    def _bring_back(self, traffic: Traffic) -> Traffic:
        """The previous version beside the stable one, ready, then promoted: no request meets a server that is gone."""
        previous, service = traffic.previous, self.cluster.service()
        assert previous is not None
        put(self.cluster, with_canary(traffic, previous, 0), resumed=True)
        ready = canary_ready(mode(service), previous.predictor, 0, newest_revision(service))
        wait(self.cluster, self.patience, ready, f"previous {previous.name}", previous.predictor)
        return promote(self.cluster, self.patience)

    def history(self) -> tuple[str, ...]:
        """What was done and why, oldest first; the last fifty lines, each with its time."""
        return tuple((self.cluster.record().get("data") or {}).get(HISTORY, "").splitlines())

    def _write(self, written: ClusterRecord, claim: bool = False, event: str = "") -> None:
        """`claim`: raise CheckFailed when the record is not the one that was read. `event`: reason of its Event."""
        part = rewritten(self.cluster.record(), written.traffic, self.cluster.namespace)
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
        line = f"{written.traffic.percent} %  {written.note[:300]}" if written.traffic.canary else written.note[:300]
        if event:
            before = part["data"].get(HISTORY, "").splitlines()
            dated = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}  {event}  {line}"
            part["data"][HISTORY] = "\n".join([*before, dated][-HISTORY_LINES:])
        if claim and written.resource_version:
            part["metadata"]["resourceVersion"] = written.resource_version
        try:
            self.cluster.apply(part)
        except CheckFailed as error:
            message = f"rollout: the record changed in between, nothing was moved; check the status ({error})"
            raise CheckFailed(message) from None
        if event:
            self.cluster.note(event, line, warning=event == "RolledBack")


def _waiting(percent: int, *reasons: str) -> Decision:
    return Decision(action="hold", percent=percent, reasons=reasons, wants_traffic=True)
