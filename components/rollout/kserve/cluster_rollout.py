"""A rollout on a cluster, one idempotent step at a time, in both of KServe's modes.

State lives in the record beside the InferenceService (ConfigMap aisle-traffic): roles, share, state, since when. A
decision is claimed there first, under the record's resourceVersion: of two operators who read the same record, one is
refused before anything moves. A step that dies after its claim is decided again by the next.

A new canary, declared by push, comes with an empty state: its rollout begins with the first step after push has given
it a share. Until then it is push that waits for it, and takes it away if it does not become ready.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import Check, canary_ready, canary_serves, newest_revision
from components.inference_service.service_report import service_lines
from components.inference_service.shift import Patience, drifted, observation, prepare, promote, put, roll_back, wait
from components.inference_service.traffic import HISTORY, Traffic, mode, with_canary
from components.kfp_support.progress import progress
from components.kfp_support.pushgateway import ROLLOUT_PERCENT, ROLLOUT_STATE, Sample, push
from components.rollout.decision import state_machine
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.state_machine import END_PERCENT, Decision, RolloutState, decide
from components.rollout.decision.states import ON_A_CLUSTER, Command, State
from components.rollout.kserve.cluster_record import ClusterRecord, line_of, read_record, written_record
from components.rollout.kserve.observers import Moment, Observer, observed, pods
from components.rollout.kserve.prometheus import Query, gather
from components.rollout.traffic_adapter import RolloutStatus
from model.errors import CheckFailed, InputError
from tfx_configs.rollout import RolloutSettings

DOWN_AFTER, READY_EVERY_S = 3, 2.0
"""A canary is down when so many readiness checks in a row fail, so many seconds apart."""
PLAN = RolloutSettings(min_hours=24.0)
"""The default on a cluster: each share lasts a day, so that the hours of a day are all in its outcomes."""


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
        return read_record(self.cluster.service(), config_map)

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
        present = observation(self.cluster)
        if not present.drift and not present.change and present.traffic.percent:
            prepare(self.cluster, present.traffic, present.traffic.percent)
        current = self.record()
        due = self._due_first(current, plan, now_s)
        if due is not None:
            return due
        state = RolloutState(percent=current.traffic.percent, state=current.state)
        return self._move(current, decide(plan, state, self._evidence(current, query, now_s)), now_s)

    def _due_first(self, current: ClusterRecord, plan: RolloutSettings, now_s: float) -> Decision | None:
        """What comes before evidence, done: drift, an end that was claimed, an edit, the beginning; None when nothing
        does."""
        traffic = current.traffic
        if current.present.drift:
            reasons = (drifted(current.present.drift, self.cluster.namespace),)
            return Decision(action="hold", percent=traffic.percent, reasons=reasons)
        if current.decided:
            state = self._finish(current)
            action: Literal["promote", "rollback"] = "promote" if state == State.PROMOTED else "rollback"
            return Decision(action=action, percent=END_PERCENT[state], reasons=(f"resumed: {current.note}",))
        if current.present.change:
            return self._adopt(current, now_s)
        if traffic.canary is None:
            return Decision(action="none", percent=0, reasons=("no canary is declared",))
        if traffic.stable is None:
            raise InputError("rollout: expected a canary beside a stable version, the service has none; push a model")
        if current.started_s is None and not traffic.percent:
            reasons = ("traffic: the canary has no share yet, push gives it one",)
            return Decision(action="hold", percent=0, reasons=reasons, wants_traffic=True)
        if current.started_s is None:
            state = State.HELD if traffic.percent in plan.pauses else current.state
            began = replace(current, state=state, started_s=now_s, since_s=now_s, note="began")
            self._write(began, claim=True, event="Began")
            reasons = ("traffic: it begins now",)
            return Decision(action="hold", percent=traffic.percent, reasons=reasons, wants_traffic=True)
        return None

    def _evidence(self, current: ClusterRecord, query: Query, now_s: float) -> Evidence:
        """Of the canary beside the stable version at the present share."""
        traffic = current.traffic
        assert traffic.stable is not None and traffic.canary is not None and current.started_s is not None
        check = canary_serves(mode(self.cluster.service()), traffic.canary.predictor, traffic.percent)
        ready = self._passes(check)
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
        return observed(moment, evidence, (pods, *self.observers))

    def _move(self, current: ClusterRecord, decision: Decision, now_s: float) -> Decision:
        """Carries the decision out; a step waits for the pods of its share."""
        traffic = current.traffic
        if decision.action == "step" and (wanting := prepare(self.cluster, traffic, decision.percent)):
            return Decision(action="hold", percent=traffic.percent, reasons=(wanting,), wants_traffic=True)
        if decision.action == "step":
            # The evidence of the new share begins before it, so that no request of the old one is ever in it.
            state = State.HELD if decision.pauses else current.state
            claimed = replace(current, state=state, since_s=now_s, note=decision.line)
            self._write(claimed, claim=True)
            after = replace(traffic, percent=decision.percent)
            put(self.cluster, after, expected=traffic, resumed=True)
            self._write(replace(claimed, traffic=after), event="Stepped")
        elif decision.action != "hold":
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

    def push_gauges(self, pushgateway: str) -> None:
        """Sends state, canary and share to the Pushgateway at this URL; empty: nothing is sent."""
        if pushgateway:
            status = self.status()
            samples = gauges(status.state, status.roles.canary, status.percent)
            push(pushgateway, "aisle-rollout", self.cluster.namespace, samples)

    def _adopt(self, current: ClusterRecord, now_s: float) -> Decision:
        """Takes over what was changed by other means than Aisle; the evidence of a new share starts now."""
        self._write(replace(current, since_s=now_s), claim=True, event="Adopted")
        if current.traffic.canary is None:
            put(self.cluster, current.traffic, expected=current.traffic, resumed=True)  # stable's own minimum again
            return Decision(action="none", percent=0, reasons=(f"adopted: {current.note}",))
        reasons = (f"adopted: {current.note}",)
        return Decision(action="hold", percent=current.traffic.percent, reasons=reasons, wants_traffic=True)

    def _end_drift(self, current: ClusterRecord, order: Command, operator: str) -> RolloutStatus:
        """The record's stable version alone; any other order raises CheckFailed."""
        if order != Command.ROLLBACK:
            raise CheckFailed(drifted(current.present.drift, self.cluster.namespace))
        state = State.ROLLED_BACK if current.traffic.canary is not None else current.state
        self._write(replace(current, note=f"{order} by {operator}"), claim=True)
        traffic = roll_back(self.cluster, self.patience)
        self._write(replace(current, traffic=traffic, state=state, note=f"{order} by {operator}"), event="RolledBack")
        return self.status()

    def _passes(self, check: Check) -> bool:
        """Whether it holds in one of its first DOWN_AFTER evaluations: one missed probe is no failure."""
        for attempt in range(DOWN_AFTER):
            if attempt:
                self.patience.sleep(READY_EVERY_S)
            if check(self.cluster.service(), self.cluster.pods()):
                return True
        return False

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
        """Writes the record.

        Args:
            claim: raise CheckFailed when it is no longer the one that was read.
            event: reason of the Event, and the line of the history, that go with it; empty: none.
        """
        part = written_record(self.cluster.record(), written, self.cluster.namespace, event)
        if claim and written.resource_version:
            part["metadata"]["resourceVersion"] = written.resource_version
        try:
            self.cluster.apply(part)
        except CheckFailed as error:
            message = f"rollout: the record changed in between, nothing was moved; check the status ({error})"
            raise CheckFailed(message) from None
        if event:
            self.cluster.note(event, line_of(written), warning=event == "RolledBack")


def gauges(state: State, canary: str | None, percent: int) -> list[Sample]:
    """The rollout for Prometheus. canary: its version, None when there is none."""
    states = [
        Sample(name=ROLLOUT_STATE, value=float(each == state), labels={"state": each.value}) for each in ON_A_CLUSTER
    ]
    share = math.nan if canary is None else float(percent)
    return [*states, Sample(name=ROLLOUT_PERCENT, value=share, labels={"version": canary or ""})]
