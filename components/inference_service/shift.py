"""Changes of traffic on a cluster, each awaited, in an order in which no request meets a server that is gone.

KServe takes a predictor away in the moment the service no longer names it; the gateway learns of that a little later.
So a version that is to go loses its share, and once the gateway knows, its place in the spec. A version whose share
grows has its pods first (components/inference_service/capacity.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from components.inference_service.capacity import planned
from components.inference_service.cluster_client import Changed, Cluster
from components.inference_service.observed import Observed, observe, owners_of, without_foreign_canary
from components.inference_service.readiness import (
    Check,
    canary_ready,
    canary_up,
    has_its_pods,
    newest_revision,
    pods_wanted,
    ready_pods,
    routed,
    stable_ready,
    trouble,
    without_share,
)
from components.inference_service.rules import problems
from components.inference_service.traffic import (
    FIELD_MANAGER,
    HISTORY,
    KubeObject,
    Traffic,
    declared,
    merged,
    mode,
    promoted,
    read,
    record,
    rewritten,
    rolled_back,
)
from model.errors import CheckFailed

POLL_S = 2.0
ROUTE_S = 60.0
"""Longest wait for a share to be in the route, seconds; then what follows is done all the same."""
OURS, PERCENT = FIELD_MANAGER, "canaryTrafficPercent"
ATTEMPTS = 10
"""KServe writes the service's status while a change is applied; so often the change is tried on the newer object."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a version may take to become ready, and how time passes (tests have a clock of their own)."""

    ready_s: float = 600.0
    """From the apply to ready, image pull and model download included, seconds."""
    settle_s: float = 5.0
    """From a route that the gateway's controller has taken to every proxy knowing it, seconds; no condition has it."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def observation(cluster: Cluster) -> Observed:
    """The service beside its record, now."""
    return observe(cluster.service(), cluster.record())


def promote(cluster: Cluster, patience: Patience) -> Traffic:
    """The canary serves all shoppers; its pods stay.

    Raises InputError without a canary, CheckFailed when it is not ready in time or the service changes meanwhile.
    """
    traffic = _explained(cluster)
    after = promoted(traffic)
    canary, service_mode = traffic.canary, mode(cluster.service())
    assert canary is not None
    if service_mode == "Standard":
        traffic = move(cluster, traffic, 100, patience)
    _settle(cluster, patience, canary.predictor, 100)
    put(cluster, after, expected=traffic, resumed=True)
    wait(cluster, patience, stable_ready(service_mode, canary.predictor), canary.name, canary.predictor)
    return after


def move(cluster: Cluster, traffic: Traffic, percent: int, patience: Patience) -> Traffic:
    """The canary's share becomes `percent` once it has the pods for that; returns what is declared then.

    Raises CheckFailed when they are not ready in time, or the service changes meanwhile; the share is as it was then.
    """
    canary, service_mode = traffic.canary, mode(cluster.service())
    assert canary is not None
    wanting = prepare(cluster, traffic, percent)
    deadline = patience.clock() + patience.ready_s
    while wanting:
        if patience.clock() >= deadline:
            why = trouble(cluster.service(), cluster.pods(), cluster.warnings(), canary.predictor)
            raise CheckFailed(f"{canary.name}: {wanting} within {patience.ready_s:.0f} s; {why}")
        patience.sleep(POLL_S)
        wanting = prepare(cluster, traffic, percent)
    after = replace(traffic, percent=percent)
    put(cluster, after, expected=traffic, resumed=True)
    wait(cluster, patience, canary_ready(service_mode, canary.predictor, percent, None), canary.name, canary.predictor)
    prepare(cluster, after, percent)  # stable's minimum, off which KServe takes a canary that is ready
    return after


def prepare(cluster: Cluster, traffic: Traffic, percent: int) -> str:
    """Declares the pods of a canary at this share, without changing its share; can be called at any time.

    Returns:
        What is missing before the share may be moved; empty when nothing is, as in Knative mode, which scales by load.
    """
    canary, service = traffic.canary, cluster.service()
    if canary is None or mode(service) != "Standard":
        return ""
    _check_unchanged(observe(service, cluster.record()), traffic)
    capacity = planned(service, cluster.record().get("data") or {}, cluster.pods(), traffic, percent)
    if capacity is not None and not capacity.is_declared(service):
        put(cluster, traffic, expected=traffic, ahead=percent, resumed=True)
        return f"capacity: {capacity.canary} pods of the canary are declared for {percent} %"
    pods = cluster.pods()
    if has_its_pods(service, pods, canary.predictor) and canary_up(canary.predictor)(service, pods):
        return ""
    ready, wanted = len(ready_pods(pods, canary.predictor)), pods_wanted(service, canary.predictor)
    return f"capacity: expected {wanted} ready pods of the canary for {percent} %, got {ready}"


def roll_back(cluster: Cluster, patience: Patience) -> Traffic:
    """Stable serves all shoppers, the canary goes; without a canary nothing changes.

    Where the service has drifted from the record, the record's stable version is declared again, alone.

    In Standard mode it waits for nothing but the gateway. Raises CheckFailed in Knative mode when stable's new pods are
    not ready in time; its old ones serve all shoppers then, and the next call resumes.
    """
    present = observation(cluster)
    traffic, after = present.traffic, rolled_back(present.traffic)
    if present.drift:
        put(cluster, after, resumed=True)
        return after
    if traffic.canary is not None and mode(cluster.service()) == "Knative":
        _empty(cluster, traffic, patience)
    elif traffic.canary is not None and traffic.percent > 0:
        put(cluster, replace(traffic, percent=0), resumed=True)
        _settle(cluster, patience, traffic.canary.predictor, 0)
    put(cluster, after, resumed=True)
    return after


def _settle(cluster: Cluster, patience: Patience, predictor: str, percent: int) -> None:
    """Returns once the proxies know the share: on a busy node KServe alone needs longer than they do."""
    deadline = patience.clock() + ROUTE_S
    while not routed(cluster.route(), predictor, percent) and patience.clock() < deadline:
        patience.sleep(POLL_S)
    patience.sleep(patience.settle_s)


def _explained(cluster: Cluster) -> Traffic:
    """What the service declares. Raises CheckFailed where it has drifted."""
    present = observation(cluster)
    if present.drift:
        raise CheckFailed(drifted(present.drift, cluster.namespace))
    return present.traffic


def drifted(drift: str, namespace: str) -> str:
    """The message, with the command that ends it."""
    return (
        f"the service has drifted from its record: {drift}; `aisle rollout rollback --namespace {namespace}` "
        f"declares the record's stable version again, alone"
    )


def _empty(cluster: Cluster, traffic: Traffic, patience: Patience) -> None:
    """In Knative mode: the canary without a share, then stable's model in its place, at 0 % until it is ready.

    Without `canaryTrafficPercent` the newest revision that is ready gets everything: if the field went at once, that
    would be the canary, while stable's new revision starts.
    """
    stable = traffic.stable
    assert stable is not None
    without_shoppers = replace(traffic, percent=0)
    service = cluster.service()
    if service["spec"]["predictor"]["model"].get("storageUri") == stable.uri:
        before = None  # an earlier rollback was interrupted here
    else:
        put(cluster, without_shoppers, resumed=True)
        wait(cluster, patience, without_share, f"{stable.name} alone", None)
        before = newest_revision(cluster.service())
    put(cluster, replace(without_shoppers, canary=stable), recorded=without_shoppers, resumed=True)
    what = f"stable {stable.name} in the canary's place"
    wait(cluster, patience, canary_ready("Knative", stable.predictor, 0, before), what, None)


def put(
    cluster: Cluster,
    traffic: Traffic,
    *,
    expected: Traffic | None = None,
    recorded: Traffic | None = None,
    ahead: int = 0,
    resumed: bool = False,
) -> None:
    """Checks the rules on the object as it would be, then applies; the record follows what is true.

    Args:
        expected: what the service has to declare until this moment; None: anything.
        recorded: what the record declares, where that is not `traffic`.
        ahead: a larger share that is to come next: its pods are declared already.
        resumed: the state of the rollout in the record stays; otherwise one begins, or ends, without a state.

    Raises:
        InputError: the manifests, or a runtime, are not there.
        CheckFailed: a rule is broken, the service no longer declares `expected`, or the API server refuses; nothing has
            changed.
    """
    for attempt in range(ATTEMPTS):
        try:
            _put(cluster, traffic, expected, recorded or traffic, max(ahead, traffic.percent), resumed)
            return
        except Changed:
            if attempt == ATTEMPTS - 1:
                raise


def _put(
    cluster: Cluster, traffic: Traffic, expected: Traffic | None, recorded: Traffic, ahead: int, resumed: bool
) -> None:
    service, config_map = cluster.service(), cluster.record()
    if expected is not None:
        _check_unchanged(observe(service, config_map), expected)
    service_mode, data = mode(service), config_map.get("data") or {}
    part, written = declared(traffic, service_mode, cluster.namespace), record(recorded, cluster.namespace)
    if resumed:
        written = rewritten(config_map, recorded, cluster.namespace)
    elif HISTORY in data:
        written["data"][HISTORY] = data[HISTORY]
    capacity = planned(service, data, cluster.pods(), traffic, ahead) if service_mode == "Standard" else None
    if capacity is not None:
        part = capacity.spec(part)
        written["data"] |= capacity.record()
    names = {version.runtime for version in (traffic.stable, traffic.canary) if version is not None}
    if broken := problems(_with(service, part), [cluster.runtime(name) for name in sorted(names)]):
        raise CheckFailed(f"the service would be invalid: {'; '.join(broken)}")
    if capacity is not None and (noted := capacity.noted(data)):
        before = rewritten(config_map, read(config_map), cluster.namespace)
        cluster.apply({**before, "data": before["data"] | noted})
    if (emptied := without_foreign_canary(service, part)) != part:
        service = cluster.apply(_at(service, emptied))
    cluster.apply(_at(service, part))
    percent = service["spec"]["predictor"].get(PERCENT)
    if (
        percent is not None
        and PERCENT not in part["spec"]["predictor"]
        and owners_of(service, f"f:{PERCENT}") != [OURS]
    ):
        cluster.clear({"spec": {"predictor": {PERCENT: None}}})
    cluster.apply(written)


def _check_unchanged(present: Observed, expected: Traffic) -> None:
    if present.drift or present.traffic != expected:
        what = present.line() or "the record was changed"
        raise CheckFailed(f"{what} in between, so nothing was moved; check the status")


def _at(service: KubeObject, part: KubeObject) -> KubeObject:
    """The part, to be taken only while the service is the one that was read."""
    version = {key: value for key, value in service["metadata"].items() if key == "resourceVersion"}
    return {**part, "metadata": part["metadata"] | version}


def _with(service: KubeObject, part: KubeObject) -> KubeObject:
    """What an apply makes of the object: our lists replace, and a canary that is not declared is gone."""
    spec = {key: value for key, value in service["spec"].items() if key != "canary"}
    return merged({**service, "spec": spec}, part)


def wait(cluster: Cluster, patience: Patience, ready: Check, what: str, predictor: str | None) -> None:
    """Returns once `ready` holds.

    Args:
        what: named in the message.
        predictor: the one whose pods may be the cause, None for the whole service's.

    Raises:
        CheckFailed: it does not hold in time; with the reason.
    """
    deadline = patience.clock() + patience.ready_s
    while True:
        service, pods = cluster.service(), cluster.pods()
        if ready(service, pods):
            return
        if patience.clock() >= deadline:
            why = trouble(service, pods, cluster.warnings(), predictor)
            raise CheckFailed(f"{what}: expected ready within {patience.ready_s:.0f} s; {why}")
        patience.sleep(POLL_S)
