"""Changes of traffic on a cluster, each awaited, in an order in which no request meets a server that is gone.

KServe takes a predictor away in the moment the service no longer names it; the gateway learns of that a little later.
So a version that is to go first loses its share, then a pause, and only then its place in the spec.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import (
    Check,
    canary_ready,
    newest_revision,
    stable_ready,
    trouble,
    without_share,
)
from components.inference_service.rules import problems
from components.inference_service.traffic import (
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


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a version may take to become ready, and how time passes (tests have a clock of their own)."""

    ready_s: float = 600.0
    """From the apply to ready, image pull and model download included, seconds."""
    settle_s: float = 5.0
    """From a changed share to every proxy knowing it, seconds; there is no condition to wait for."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def promote(cluster: Cluster, patience: Patience) -> Traffic:
    """The canary serves all shoppers; its pods stay. Raises InputError without a canary, CheckFailed when not ready."""
    traffic = read(cluster.record())
    after = promoted(traffic)
    canary = traffic.canary
    assert canary is not None
    service_mode = mode(cluster.service())
    if service_mode == "Standard" and traffic.percent < 100:
        put(cluster, replace(traffic, percent=100), resumed=True)
        wait(cluster, patience, canary_ready(service_mode, canary.predictor, 100, None), canary.name, canary.predictor)
    patience.sleep(patience.settle_s)
    put(cluster, after, resumed=True)
    wait(cluster, patience, stable_ready(service_mode, canary.predictor), canary.name, canary.predictor)
    return after


def roll_back(cluster: Cluster, patience: Patience) -> Traffic:
    """Stable serves all shoppers, the canary goes; without a canary nothing changes.

    In Standard mode it waits for nothing but the gateway. Raises CheckFailed in Knative mode when stable's new pods are
    not ready in time; its old ones serve all shoppers then, and the next call resumes.
    """
    traffic = read(cluster.record())
    after = rolled_back(traffic)
    if traffic.canary is not None and mode(cluster.service()) == "Knative":
        _empty(cluster, traffic, patience)
    elif traffic.canary is not None and traffic.percent > 0:
        put(cluster, replace(traffic, percent=0), resumed=True)
        patience.sleep(patience.settle_s)
    put(cluster, after, resumed=True)
    return after


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
    force: bool = False,
    recorded: Traffic | None = None,
    resumed: bool = False,
) -> None:
    """Checks the rules on the object as it would be, then applies; the record follows what is true.

    Args:
        force: take fields over from another field manager.
        recorded: what the record declares, where that is not `traffic`.
        resumed: the state of the rollout in the record stays; otherwise one begins, or ends, without a state.

    Raises:
        InputError: the manifests, or a runtime, are not there.
        CheckFailed: a rule is broken, or the API server refuses; nothing has changed.
    """
    service = cluster.service()
    part = declared(traffic, mode(service), cluster.namespace)
    names = {version.runtime for version in (traffic.stable, traffic.canary) if version is not None}
    if broken := problems(_with(service, part), [cluster.runtime(name) for name in sorted(names)]):
        raise CheckFailed(f"the service would be invalid: {'; '.join(broken)}")
    cluster.apply(part, force)
    written = record(recorded or traffic, cluster.namespace)
    if resumed:
        written = rewritten(cluster.record(), recorded or traffic, cluster.namespace)
    cluster.apply(written, force)


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
