"""A rollout on a cluster, one idempotent step at a time, in both of KServe's modes.

State lives in the record beside the InferenceService (ConfigMap aisle-traffic): versions, the previous one among
them, share, state, since when. A decision is claimed there first, under the record's resourceVersion: of two operators
who saw the same, one is refused before anything moves. A step that dies after its claim is decided anew by the next.

A new canary, declared by push, comes with an empty state: its rollout begins with the first step that sees it.
"""

import time
import uuid
from dataclasses import dataclass, replace
from typing import Any, cast

from components.inference_service.cluster_client import Cluster, KubeCluster
from components.inference_service.readiness import canary_ready, newest_revision
from components.inference_service.shift import Patience, promote, put, roll_back, wait
from components.inference_service.traffic import Traffic, mode, read, record, with_canary
from components.kfp_support.progress import progress
from components.kfp_support.pushgateway import push, rollout
from components.rollout.decision.state_machine import Decision, Hand, RolloutState, StateName, by_hand, decide
from components.rollout.kserve.prometheus import Query, gather, prometheus
from components.rollout.traffic_adapter import Place
from model.errors import CheckFailed, InputError
from tfx_configs.settings import RolloutSettings

STATE, STARTED, SINCE, NOTE = "rollout-state", "rollout-started", "rollout-since", "rollout-note"
CLAIM = "rollout-claim"
"""Another value with every write: an apply that changes nothing would pass under any resourceVersion."""
PLAN = RolloutSettings(min_outcome_ratio=0.0)
"""The default on a cluster: what shoppers bought is not among its metrics."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The record as it is. Times are unix seconds; `started_s` is None before the first step."""

    traffic: Traffic
    state: StateName
    started_s: float | None
    since_s: float
    """When the share in force was set."""
    note: str
    resource_version: str


@dataclass(frozen=True, kw_only=True)
class ClusterTraffic:
    """components.rollout.traffic_adapter.TrafficAdapter of the service on a cluster."""

    cluster: Cluster
    patience: Patience

    def look(self) -> Place:
        return _place(look(self.cluster))

    def act(self, hand: Hand, who: str) -> Place:
        return _place(act(self.cluster, hand, who, self.patience))


def _place(seen: Seen) -> Place:
    roles = {"stable": seen.traffic.stable, "canary": seen.traffic.canary, "previous": seen.traffic.previous}
    names = {role: version.name if version else None for role, version in roles.items()}
    return Place(**names, percent=seen.traffic.percent, state=seen.state)


def look(cluster: Cluster) -> Seen:
    """Raises InputError when the service was never pushed to."""
    found = cluster.record()
    data, traffic = found.get("data") or {}, read(found)
    started = data.get(STARTED)
    return Seen(
        traffic=traffic,
        state=cast(StateName, data.get(STATE, "running" if traffic.canary else "promoted")),
        started_s=float(started) if started else None,
        since_s=float(data.get(SINCE, 0)),
        note=data.get(NOTE, ""),
        resource_version=found.get("metadata", {}).get("resourceVersion", ""),
    )


def step(cluster: Cluster, plan: RolloutSettings, query: Query, patience: Patience, now_s: float) -> Decision:
    """Looks, decides, moves; the first step of a canary only notes when its evidence begins.

    Args:
        now_s: unix seconds.

    Raises:
        InputError: no canary is declared.
        CheckFailed: somebody else moved in between, or the cluster refused; what they did stays.
    """
    seen = look(cluster)
    canary, stable = seen.traffic.canary, seen.traffic.stable
    if canary is None or stable is None:
        raise InputError("rollout: expected a canary beside a stable version, the service has none; push a model")
    state = RolloutState(percent=seen.traffic.percent, state=seen.state)
    if seen.started_s is None:
        _claim(cluster, replace(seen, started_s=now_s, since_s=now_s, note="began"))
        return Decision(action="hold", percent=state.percent, reasons=("traffic: it begins now",), wants_traffic=True)
    ready = canary_ready(mode(cluster.service()), canary.predictor, state.percent, None)
    evidence = gather(
        query,
        cluster.namespace,
        stable.name,
        canary.name,
        now_s - seen.since_s,
        ready(cluster.service(), cluster.pods()),
        now_s - seen.started_s,
    )
    decision = decide(plan, state, evidence)
    note = f"{decision.action}: {'; '.join(decision.reasons)}"
    if decision.action == "hold":
        return decision
    _claim(cluster, replace(seen, note=note))
    if decision.action == "step":
        after = replace(seen.traffic, percent=decision.percent)
        put(cluster, after)
        _write(cluster, replace(seen, traffic=after, since_s=now_s, note=note))
    else:
        _end(cluster, seen, "promoted" if decision.action == "promote" else "rolled_back", note, patience)
    return decision


def scheduled(
    cluster: Cluster, plan: RolloutSettings, query: Query, patience: Patience, now_s: float
) -> dict[str, Any]:
    """`step` as a schedule wants it; without a canary there is nothing to do.

    Returns:
        {action, percent, reasons}.

    Raises:
        CheckFailed: rolled back, or held by what no traffic will end: somebody should look.
    """
    if look(cluster).traffic.canary is None:
        return {"action": "none", "percent": 0, "reasons": ["no canary is declared"]}
    decision = step(cluster, plan, query, patience, now_s)
    told = f"{decision.action}: {'; '.join(decision.reasons)}"
    if decision.action == "rollback" or (decision.action == "hold" and not decision.wants_traffic):
        raise CheckFailed(told)
    progress(told)
    return {"action": decision.action, "percent": decision.percent, "reasons": list(decision.reasons)}


def step_in(namespace: str, prometheus_url: str, plan: str, pushgateway: str = "") -> dict[str, Any]:
    """`scheduled` on the cluster in use; then Prometheus hears where the rollout stands, whatever came of it.

    Args:
        plan: RolloutSettings as JSON.
        pushgateway: its URL; empty: nobody is told.
    """
    settings, cluster = RolloutSettings.from_json(plan), KubeCluster(namespace)
    try:
        return scheduled(cluster, settings, prometheus(prometheus_url), Patience(), time.time())
    finally:
        tell(cluster, pushgateway)


def tell(cluster: Cluster, pushgateway: str) -> None:
    """State, canary and share as gauges; without a Pushgateway nothing is done."""
    if not pushgateway:
        return
    seen = look(cluster)
    canary = seen.traffic.canary.name if seen.traffic.canary else None
    push(pushgateway, "aisle-rollout", cluster.namespace, rollout(seen.state, canary, seen.traffic.percent))


def act(cluster: Cluster, hand: Hand, who: str, patience: Patience) -> Seen:
    """Hold, resume, promote or roll back by hand; after a promotion the version before it is brought back.

    Raises InputError where the state does not allow it, CheckFailed as `step`.
    """
    seen = look(cluster)
    after = by_hand(RolloutState(percent=seen.traffic.percent, state=seen.state), hand)
    note = f"{hand} by {who}"
    if seen.state == "promoted" and seen.traffic.previous is None:
        raise InputError("rollout: expected a version from before the last promotion, the record has none; push one")
    _claim(cluster, replace(seen, state=seen.state if hand in ("promote", "rollback") else after.state, note=note))
    if hand in ("promote", "rollback"):
        _end(cluster, seen, after.state, note, patience)
    return look(cluster)


def _end(cluster: Cluster, seen: Seen, state: StateName, note: str, patience: Patience) -> None:
    if state == "promoted":
        traffic = promote(cluster, patience)
    elif seen.state == "promoted":
        traffic = _bring_back(cluster, seen.traffic, patience)
    else:
        traffic = roll_back(cluster, patience)
    _write(cluster, replace(seen, traffic=traffic, state=state, note=note))


def _bring_back(cluster: Cluster, traffic: Traffic, patience: Patience) -> Traffic:
    """The previous version beside the stable one, ready, then promoted: nobody meets a server that is not there yet."""
    previous, found_mode = traffic.previous, mode(cluster.service())
    assert previous is not None
    before = newest_revision(cluster.service())
    put(cluster, with_canary(traffic, previous, 0))
    wait(
        cluster,
        patience,
        canary_ready(found_mode, previous.predictor, 0, before),
        f"previous {previous.name}",
        previous.predictor,
    )
    return promote(cluster, patience)


def _claim(cluster: Cluster, seen: Seen) -> None:
    """Raises CheckFailed when the record is no longer the one that was looked at."""
    _write(cluster, seen, seen.resource_version)


def _write(cluster: Cluster, seen: Seen, resource_version: str = "") -> None:
    part: dict[str, Any] = record(seen.traffic, cluster.namespace)
    part["data"] |= {STATE: seen.state, SINCE: f"{seen.since_s:.0f}", NOTE: seen.note[:500], CLAIM: uuid.uuid4().hex}
    if seen.started_s is not None:
        part["data"][STARTED] = f"{seen.started_s:.0f}"
    if resource_version:
        part["metadata"]["resourceVersion"] = resource_version
    try:
        cluster.apply(part)
    except CheckFailed as error:
        raise CheckFailed(f"rollout: the record changed in between, nothing was moved; look again ({error})") from None
