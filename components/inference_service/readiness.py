"""Whether a version of the InferenceService is ready, and if not, the reason and what to do."""

import math
from collections.abc import Callable, Iterable

from components.inference_service.traffic import NAME, KubeObject, Mode

Check = Callable[[KubeObject, list[KubeObject]], bool]
"""(InferenceService, its pods) -> ready or not."""
SERVER = "kserve-container"
"""What KServe calls the server's container in every runtime."""
PULL = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")


def stable_ready(mode: Mode, predictor: str) -> Check:
    """Whether the service is ready, and in Standard mode the pods of this very predictor, as many as it is to have.

    KServe's observedGeneration is that of the Deployment it made last, not of the service: it does not show whether the
    status is about what was applied.
    """

    def ready(service: KubeObject, pods: list[KubeObject]) -> bool:
        return _is_ready(service) and (mode == "Knative" or has_its_pods(service, pods, predictor))

    return ready


def canary_ready(mode: Mode, predictor: str, percent: int, revision_before: str | None) -> Check:
    """Whether the canary is ready, at this share and in Standard mode with the pods for it.

    KServe takes a canary for ready with one pod of eight.

    revision_before: the newest revision before the canary was declared, None when it was there already; Knative mode.
    """

    def standard(service: KubeObject, pods: list[KubeObject]) -> bool:
        at_share = _canary_status(service, predictor).get("trafficPercent", 0) == percent
        return at_share and canary_up(predictor)(service, pods) and has_its_pods(service, pods, predictor)

    def knative(service: KubeObject, pods: list[KubeObject]) -> bool:
        newest, part = newest_revision(service), _part(service)
        ready = newest is not None and part.get("latestReadyRevision") == newest and _share(service) == percent
        return ready and newest != revision_before and _is_ready(service)

    return standard if mode == "Standard" else knative


def canary_serves(mode: Mode, predictor: str, percent: int) -> Check:
    """Whether the canary takes requests at this share, with however many pods: one that died is no failed canary."""
    if mode == "Knative":
        return canary_ready(mode, predictor, percent, None)
    return canary_up(predictor)


def canary_up(predictor: str) -> Check:
    """Whether KServe sends the canary its share: from one pod on; Standard mode."""
    return lambda service, pods: _canary_status(service, predictor).get("ready") is True


def has_its_pods(service: KubeObject, pods: Iterable[KubeObject], predictor: str) -> bool:
    """Whether as many pods of the predictor are ready as its minimum or its share asks for; Standard mode."""
    return len(ready_pods(pods, predictor)) >= pods_wanted(service, predictor)


def ready_pods(pods: Iterable[KubeObject], predictor: str) -> list[KubeObject]:
    """Those of this predictor that take requests."""
    return [
        pod
        for pod in pods
        if f"-{predictor}-" in pod["metadata"]["name"] and "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)
    ]


def pods_wanted(service: KubeObject, predictor: str) -> int:
    """Pods that the service declares for this predictor, as KServe counts them; at least one.

    Of stable's it takes those of a canary that is ready.
    """
    minimum: int = service["spec"].get("predictor", {}).get("minReplicas", 1)
    canaries = {
        canary["predictor"].get("name"): canary["predictor"].get(
            "minReplicas", math.ceil(minimum * canary.get("trafficPercent", 0) / 100)
        )
        for canary in service["spec"].get("canary") or []
    }
    if predictor in canaries:
        return max(1, canaries[predictor])
    taken = sum(pods for name, pods in canaries.items() if _canary_status(service, name).get("ready"))
    return max(1, minimum - taken)


def share_in_status(service: KubeObject, mode: Mode, predictor: str) -> str:
    """The canary as the service's status has it, for people; empty when it has none."""
    if mode == "Knative":
        return f"newest revision {newest_revision(service)} {_share(service)} %"
    status = _canary_status(service, predictor)
    ready = "ready" if status.get("ready") else "not ready"
    return f"canary {ready}, {status.get('trafficPercent', 0)} %" if status else ""


def _canary_status(service: KubeObject, predictor: str) -> KubeObject:
    statuses: list[KubeObject] = service.get("status", {}).get("canaryStatuses") or []
    return next((status for status in statuses if status["name"] == predictor), {})


def without_share(service: KubeObject, pods: list[KubeObject]) -> bool:
    """Whether the newest revision gets no requests; Knative mode."""
    return _share(service) == 0


def _share(service: KubeObject) -> int:
    """Percent of the requests that the newest revision gets; Knative mode."""
    targets, newest = _part(service).get("traffic", []), newest_revision(service)
    return sum(target.get("percent") or 0 for target in targets if target.get("revisionName") == newest)


def newest_revision(service: KubeObject) -> str | None:
    """The revision that Knative made last, ready or not; None in Standard mode."""
    newest: str | None = _part(service).get("latestCreatedRevision")
    return newest


def _part(service: KubeObject) -> KubeObject:
    """Status of the predictor as a component; empty in Standard mode."""
    part: KubeObject = service.get("status", {}).get("components", {}).get("predictor", {})
    return part


def trouble(service: KubeObject, pods: Iterable[KubeObject], warnings: list[str], predictor: str | None) -> str:
    """Why the service, or the canary `predictor`, is not ready; the most specific reason first.

    warnings: `object: message` of the namespace's warning events, oldest first.
    """
    # In Knative mode a version's pods have the name of its revision.
    revision = newest_revision(service)
    wanted = f"{revision}-" if revision else f"-{predictor}-" if predictor else ""
    mine = [pod for pod in pods if wanted in pod["metadata"]["name"]]
    for pod in mine:
        if reason := _pod_trouble(pod):
            return f"pod {pod['metadata']['name']}: {reason}"
    quota = [line for line in warnings if "exceeded quota" in line and wanted in line]
    if quota:
        return f"quota exceeded: {quota[-1][:300]}; raise the quota, or ask for fewer replicas"
    refused = [line for line in warnings if "FailedCreate" in line or "denied" in line or "forbidden" in line]
    if not mine and refused:
        return f"no pod could be made: {refused[-1][:300]}"
    gateway = _condition(service, "IngressReady")
    if gateway.get("status") == "False" and predictor is None and mine:
        return f"no route: {gateway.get('message', '')}; is there a Gateway kserve-ingress-gateway, and a controller?"
    unmet = [condition for condition in _conditions(service) if condition.get("status") == "False"]
    messages = dict.fromkeys(condition.get("message") or condition.get("reason") for condition in unmet)
    if any(messages):
        return "; ".join(message for message in messages if message)
    if mine:
        return f"pod {mine[-1]['metadata']['name']} is still starting"
    return "KServe reports nothing; is its controller running?"


def _pod_trouble(pod: KubeObject) -> str | None:
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting", {})
        ended = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated") or {}
        if waiting.get("reason") in PULL:
            return f"image {container['image']} not pulled ({waiting.get('message', '')[:160]}); load or push it"
        if container["name"] == "storage-initializer" and ended.get("exitCode"):
            return f"model not fetched (exit {ended['exitCode']}); is storageUri right, and the secret aisle-s3?"
        if waiting.get("reason") == "CrashLoopBackOff" or ended.get("exitCode"):
            reason = f"{ended.get('reason', 'Error')}, exit {ended.get('exitCode')}"
            if container["name"] != SERVER:
                return f"container {container['name']} ended ({reason}); its log has the reason"
            return f"server ended ({reason}); its log has the reason: a refused model is named there"
    scheduled = _condition(pod, "PodScheduled")
    return f"no room: {scheduled.get('message', '')[:200]}" if scheduled.get("status") == "False" else None


def _is_ready(resource: KubeObject) -> bool:
    return bool(_condition(resource, "Ready").get("status") == "True")


def _conditions(resource: KubeObject) -> list[KubeObject]:
    conditions: list[KubeObject] = resource.get("status", {}).get("conditions", [])
    return conditions


def _condition(resource: KubeObject, kind: str) -> KubeObject:
    return next((condition for condition in _conditions(resource) if condition["type"] == kind), {})


def weights(route: KubeObject) -> dict[str, int]:
    """{Service: percent} of the first rule; KServe writes the same into each."""
    backends = route["spec"]["rules"][0]["backendRefs"]
    return {backend["name"]: backend.get("weight", 1) if len(backends) > 1 else 100 for backend in backends}


def routed(route: KubeObject | None, predictor: str, percent: int) -> bool:
    """Whether the gateway's controller has taken a route with this share of the canary; True where none is readable."""
    if route is None:
        return True
    generation = route["metadata"].get("generation")
    parents = route.get("status", {}).get("parents", [])
    taken = [condition.get("observedGeneration") for parent in parents for condition in parent.get("conditions", [])]
    share = weights(route).get(f"{NAME}-{predictor}-predictor", 0)
    return share == percent and all(observed in (None, generation) for observed in taken)
