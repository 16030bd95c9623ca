"""Push, the cluster's half: a registered version becomes a canary of the InferenceService, and answers over v2.

Stable first, if the service has none; then the canary beside it at 0 %, and once it has answered, at its share. Each
change is a server-side apply and is awaited; a canary that does not become ready in time, or answers wrongly, is taken
away again, and no shopper has met it: stable is never touched.
"""

from collections.abc import Callable

from components.artifacts.push_outcome import ReleaseOutcome
from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import canary_ready, newest_revision, stable_ready
from components.inference_service.shift import Patience, drifted, move, observation, put, roll_back, wait
from components.inference_service.traffic import Traffic, Version, mode, on_runtime, with_canary
from components.kfp_support.progress import progress
from model.errors import CheckFailed


def deploy(
    cluster: Cluster,
    stable: Version,
    canary: Version,
    percent: int,
    smoke: Callable[[str], None],
    patience: Patience,
    runtime: str = "",
) -> ReleaseOutcome:
    """Declares `canary` beside what serves now, waits for it, asks it one question, and then gives it its share.

    Args:
        stable: what serves when the service has no version yet; otherwise it is left as it is.
        percent: its share once it has answered, 0 to 100; one that was declared before keeps its own until then.
        smoke: asks the predictor of this name; raises CheckFailed when the answer is not a recommendation.
        runtime: ServingRuntime of the canary, and of `stable` where that is declared; empty: as
            components.inference_service.traffic.on_runtime.

    Raises:
        InputError: the service or the runtime is missing, the version serves on another runtime, or the request breaks
            a rule of KServe's or ours.
        CheckFailed: refused, not ready in time or a wrong answer; the canary is rolled back.
    """
    traffic_mode, present = mode(cluster.service()), observation(cluster)
    if present.drift:
        raise CheckFailed(drifted(present.drift, cluster.namespace))
    traffic = present.traffic
    canary = on_runtime(traffic, canary, runtime)
    if traffic.stable is None:
        stable = on_runtime(traffic, stable, runtime)
        traffic = Traffic(stable=stable)
        put(cluster, traffic)
        wait(cluster, patience, stable_ready(traffic_mode, stable.predictor), f"stable {stable.name}", None)
    if traffic.stable is not None and traffic.stable.name == canary.name:
        return _outcome(cluster, traffic, canary, changed=False)
    wanted = with_canary(traffic, canary, percent)
    changed = wanted != traffic
    declared = traffic.canary == canary
    before, asked_at = (None, traffic.percent) if declared else (newest_revision(cluster.service()), 0)
    put(cluster, with_canary(traffic, canary, asked_at), ahead=percent)
    try:
        ready = canary_ready(traffic_mode, canary.predictor, asked_at, before)
        wait(cluster, patience, ready, f"canary {canary.name}", canary.predictor)
        smoke(canary.predictor)
        if percent != asked_at:
            move(cluster, with_canary(traffic, canary, asked_at), percent, patience)
    except CheckFailed as error:
        try:
            roll_back(cluster, patience)
        except CheckFailed as second:
            raise CheckFailed(f"{error}; and on the way back: {second}") from None
        progress(f"{canary.name} rolled back; the stable version serves all requests")
        raise
    progress(f"{canary.name} is ready and answers, at {percent} %")
    return _outcome(cluster, wanted, canary, changed=changed)


def _outcome(cluster: Cluster, traffic: Traffic, canary: Version, changed: bool) -> ReleaseOutcome:
    return ReleaseOutcome(
        released=True,
        version=canary.name,
        predictor=canary.predictor,
        runtime=canary.runtime,
        percent=traffic.percent,
        stable=traffic.stable.name if traffic.stable else None,
        previous=traffic.previous.name if traffic.previous else None,
        generation=cluster.service()["metadata"]["generation"],
        changed=changed,
    )
