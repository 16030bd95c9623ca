"""Push, the cluster's half: a registered version becomes a canary of the InferenceService, and answers over v2.

Stable first, if the service has none; then the canary beside it. Each change is a server-side apply and is awaited; a
canary that does not become ready in time, or answers wrongly, is taken away again: stable is never touched.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.progress import progress
from model.errors import CheckFailed
from model.inference_service import Traffic, Version, declared, merged, mode, read, record, rolled_back, with_canary
from model.kube import Cluster
from model.service_rules import change_problems, problems
from model.service_state import Check, canary_ready, newest_revision, stable_ready, trouble

POLL_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a version may take to become ready, and how time passes (tests have a clock of their own)."""

    ready_s: float = 600.0
    """From the apply to ready, image pull and model download included, seconds."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def deploy(
    cluster: Cluster,
    stable: Version,
    canary: Version,
    percent: int,
    smoke: Callable[[str], None],
    patience: Patience,
    force: bool = False,
) -> dict[str, Any]:
    """Declares `canary` beside what serves now, waits for it, and asks it one question.

    Args:
        stable: what serves when the service has no version yet; otherwise it is left as it is.
        percent: the canary's share once it is ready, 0 to 100.
        smoke: asks the predictor of this name; raises CheckFailed when the answer is not a recommendation.
        force: take the fields over from another field manager.

    Returns:
        {version, predictor, percent, stable, previous, generation, changed}.

    Raises:
        InputError: the service is missing, or the request breaks a rule of KServe's or ours.
        CheckFailed: refused, not ready in time or a wrong answer; the canary is rolled back.
    """
    found_mode, traffic = mode(cluster.service()), read(cluster.record())
    if traffic.stable is None:
        traffic = Traffic(stable=stable)
        _apply(cluster, traffic, force)
        _await(cluster, patience, stable_ready(found_mode, stable.predictor), f"stable {stable.name}", None)
    if traffic.stable is not None and traffic.stable.name == canary.name:
        return _result(cluster.service(), traffic, canary, changed=False)
    wanted = with_canary(traffic, canary, percent)
    changed = wanted != traffic
    before = None if traffic.canary == canary else newest_revision(cluster.service())
    _apply(cluster, wanted, force)
    try:
        ready = canary_ready(found_mode, canary.predictor, percent, before)
        _await(cluster, patience, ready, f"canary {canary.name}", canary.predictor)
        smoke(canary.predictor)
    except CheckFailed:
        _apply(cluster, rolled_back(wanted), force=False)
        progress(f"{canary.name} rolled back; what was stable serves everybody")
        raise
    progress(f"{canary.name} is ready and answers, at {percent} %")
    return _result(cluster.service(), wanted, canary, changed=changed)


def _apply(cluster: Cluster, traffic: Traffic, force: bool) -> None:
    """Checks the rules on the object as it would be, then applies; the record follows what is true."""
    before = cluster.service()
    part = declared(traffic, mode(before), cluster.namespace)
    would_be = _with(before, part)
    broken = problems(would_be, [cluster.runtime()])
    if "storageUri" in before["spec"]["predictor"].get("model", {}):
        broken += change_problems(before, would_be)
    if broken:
        raise CheckFailed(f"the service would be wrong: {'; '.join(broken)}")
    cluster.apply(part, force)
    cluster.apply(record(traffic, cluster.namespace), force)


def _with(service: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What an apply makes of the object: our lists replace, and a canary that is not declared is gone."""
    spec = {key: value for key, value in service["spec"].items() if key != "canary"}
    return merged({**service, "spec": spec}, part)


def _await(
    cluster: Cluster,
    patience: Patience,
    ready: Check,
    what: str,
    predictor: str | None,
) -> None:
    """Returns once `ready` holds; raises CheckFailed with the reason when time is up."""
    deadline = patience.clock() + patience.ready_s
    while True:
        service, pods = cluster.service(), cluster.pods()
        if ready(service, pods):
            return
        if patience.clock() >= deadline:
            why = trouble(service, pods, cluster.warnings(), predictor)
            raise CheckFailed(f"{what}: expected ready within {patience.ready_s:.0f} s; {why}")
        patience.sleep(POLL_S)


def _result(service: dict[str, Any], traffic: Traffic, canary: Version, changed: bool) -> dict[str, Any]:
    return {
        "version": canary.name,
        "predictor": canary.predictor,
        "percent": traffic.percent,
        "stable": traffic.stable.name if traffic.stable else None,
        "previous": traffic.previous.name if traffic.previous else None,
        "generation": service["metadata"]["generation"],
        "changed": changed,
    }
