"""A rollout on a cluster, one idempotent step at a time, in both of KServe's modes.

State lives in the record beside the InferenceService (ConfigMap aisle-traffic): roles, share, state, since when. A
decision is claimed there first, under the record's resourceVersion: of two operators who read the same record, one is
refused before anything moves. A step that dies after its claim is decided again by the next.

A new canary, declared by push, comes with an empty state: its rollout begins with the first step.
"""

import math
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from components.inference_service.cluster_client import Cluster
from components.inference_service.observed import Observed, observe
from components.inference_service.readiness import canary_ready, canary_serves, newest_revision
from components.inference_service.service_report import service_lines
from components.inference_service.shift import Patience, drifted, observation, prepare, promote, put, roll_back, wait
from components.inference_service.traffic import HISTORY, HISTORY_LINES, Traffic, mode, rewritten, with_canary
from components.kfp_support.markdown_table import as_markdown
from components.kfp_support.progress import progress
from components.kfp_support.pushgateway import ROLLOUT_PERCENT, ROLLOUT_STATE, Sample, push
from components.rollout.decision import state_machine
from components.rollout.decision.state_machine import Decision, RolloutState, decide
from components.rollout.decision.states import Command, State
from components.rollout.kserve.prometheus import Query, gather, prometheus
from components.rollout.traffic_adapter import RolloutStatus
from model.errors import CheckFailed, InputError
from model.files import write_json, write_text
from tfx_configs.settings import RolloutSettings

STATE, STARTED, SINCE, NOTE = "rollout-state", "rollout-started", "rollout-since", "rollout-note"
AFTER_AN_EDIT = {
    "canary": State.RUNNING,
    "rollback": State.ROLLED_BACK,
    "promotion": State.PROMOTED,
    "revert": State.ROLLED_BACK,
}
"""The state after a change of the service by other means than Aisle; a changed share leaves it."""
CLAIM = "rollout-claim"
"""Another value with every write: an apply that changes nothing would pass under any resourceVersion."""
PLAN = RolloutSettings(min_outcome_ratio=0.0)
"""The default on a cluster: what shoppers bought is not among its metrics."""


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


@dataclass(frozen=True, kw_only=True)
class ClusterTraffic:
    """components.rollout.traffic_adapter.TrafficAdapter of the service on a cluster, and its steps."""

    cluster: Cluster
    patience: Patience = field(default_factory=Patience)

    def record(self) -> ClusterRecord:
        """Raises InputError when the service was never pushed to."""
        config_map = self.cluster.record()
        present, data = observe(self.cluster.service(), config_map), config_map.get("data") or {}
        state = State(data.get(STATE, State.RUNNING if present.recorded.canary else State.PROMOTED))
        started = data.get(STARTED)
        return ClusterRecord(
            traffic=present.traffic,
            state=AFTER_AN_EDIT.get(present.change, state),
            started_s=float(started) if started else None,
            since_s=float(data.get(SINCE, 0)),
            note=present.line() if present.change else data.get(NOTE, ""),
            resource_version=config_map.get("metadata", {}).get("resourceVersion", ""),
            present=present,
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
        ends = not after.state.active
        if current.state == State.PROMOTED:
            current.traffic.revert()  # refused before anything is claimed
        claimed = replace(current, state=current.state if ends else after.state, note=f"{order} by {operator}")
        self._write(claimed, claim=True, event="" if ends else order.capitalize())
        if ends:
            self._end(current, after.state, claimed.note)
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
        if not present.drift and not present.change:
            prepare(self.cluster, present.traffic, present.traffic.percent)
        current = self.record()
        traffic = current.traffic
        if current.present.drift:
            return Decision(
                action="hold",
                percent=traffic.percent,
                reasons=(drifted(current.present.drift, self.cluster.namespace),),
            )
        if current.present.change:
            return self._adopt(current, now_s)
        if traffic.canary is None:
            return Decision(action="none", percent=0, reasons=("no canary is declared",))
        if traffic.stable is None:
            raise InputError("rollout: expected a canary beside a stable version, the service has none; push a model")
        if current.started_s is None:
            self._write(replace(current, started_s=now_s, since_s=now_s, note="began"), claim=True, event="Began")
            reasons = ("traffic: it begins now",)
            return Decision(action="hold", percent=traffic.percent, reasons=reasons, wants_traffic=True)
        service = self.cluster.service()
        ready = canary_serves(mode(service), traffic.canary.predictor, traffic.percent)
        evidence = gather(
            query,
            namespace=self.cluster.namespace,
            stable=traffic.stable.name,
            canary=traffic.canary.name,
            window_s=now_s - current.since_s,
            ready=ready(service, self.cluster.pods()),
            age_s=now_s - current.started_s,
        )
        decision = decide(plan, RolloutState(percent=traffic.percent, state=current.state), evidence)
        if decision.action == "hold":
            return decision
        if decision.action == "step" and (wanting := prepare(self.cluster, traffic, decision.percent)):
            return Decision(action="hold", percent=traffic.percent, reasons=(wanting,), wants_traffic=True)
        self._write(replace(current, note=decision.line), claim=True)
        if decision.action == "step":
            after = replace(traffic, percent=decision.percent)
            put(self.cluster, after, expected=traffic, resumed=True)
            self._write(replace(current, traffic=after, since_s=now_s, note=decision.line), event="Stepped")
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

    def _end(self, current: ClusterRecord, state: State, note: str) -> None:
        if state == State.PROMOTED:
            traffic = promote(self.cluster, self.patience)
        elif current.state == State.PROMOTED:
            traffic = self._bring_back(current.traffic)
        else:
            traffic = roll_back(self.cluster, self.patience)
        event = "Promoted" if state == State.PROMOTED else "RolledBack"
        self._write(replace(current, traffic=traffic, state=state, note=note), event=event)

    def _bring_back(self, traffic: Traffic) -> Traffic:
        """The previous version beside the stable one, ready, then promoted: no request meets a server that is gone."""
        previous, service = traffic.previous, self.cluster.service()
        assert previous is not None
        put(self.cluster, with_canary(traffic, previous, 0))
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
        part = rewritten(self.cluster.record(), written.traffic, self.cluster.namespace)
        part["data"] |= {
            STATE: str(written.state),
            SINCE: f"{written.since_s:.0f}",
            NOTE: written.note[:500],
            CLAIM: uuid.uuid4().hex,
        }
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


def gauges(state: State, canary: str | None, percent: int) -> list[Sample]:
    """The rollout for Prometheus. canary: its version, None when there is none."""
    states = [
        Sample(name=ROLLOUT_STATE, value=float(each == state), labels={"state": each.value})
        for each in State
        if each != State.ABORTED  # of a laptop alone
    ]
    share = math.nan if canary is None else float(percent)
    return [*states, Sample(name=ROLLOUT_PERCENT, value=share, labels={"version": canary or ""})]


def step_in(namespace: str, prometheus_url: str, plan: RolloutSettings, pushgateway: str = "") -> Decision:
    """`scheduled_step` on the current cluster; then the gauges are sent, also after an error.

    Args:
        pushgateway: its URL; empty: nothing is sent.
    """
    traffic = ClusterTraffic(cluster=Cluster(namespace))
    try:
        return traffic.scheduled_step(plan, prometheus(prometheus_url), time.time())
    finally:
        traffic.push_gauges(pushgateway)


def kfp_step(
    *, namespace: str, prometheus_url: str, plan: RolloutSettings, pushgateway: str, decision_file: Path, table: Path
) -> None:
    """`step_in`, with the decision as JSON and as a Markdown table."""
    decision = step_in(namespace, prometheus_url, plan, pushgateway)
    result = {"action": decision.action, "percent": decision.percent, "reasons": list(decision.reasons)}
    write_json(decision_file, result)
    write_text(table, as_markdown("One step of the rollout", result))
