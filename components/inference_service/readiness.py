"""Whether a version of the InferenceService is ready, and if not, why, in words that say what to do."""

from collections.abc import Callable, Iterable
from typing import Any

from components.inference_service.traffic import Mode

Check = Callable[[dict[str, Any], list[dict[str, Any]]], bool]
"""(InferenceService, its pods) -> ready or not."""
SERVER = "kserve-container"
"""What KServe calls the server's container in every runtime."""
PULL = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")


def stable_ready(mode: Mode, predictor: str) -> Check:
    """Whether the service is ready, and in Standard mode a pod of this very predictor.

    KServe's observedGeneration is that of the Deployment it made last, not of the service: it does not tell whether the
    status speaks of what was applied.
    """

    def ready(service: dict[str, Any], pods: list[dict[str, Any]]) -> bool:
        if _condition(service, "Ready").get("status") != "True":
            return False
        return mode == "Knative" or any(f"-{predictor}-" in pod["metadata"]["name"] and _is_ready(pod) for pod in pods)

    return ready


def canary_ready(mode: Mode, predictor: str, percent: int, revision_before: str | None) -> Check:
    """Whether the canary is ready, at this share.

    revision_before: the newest revision before the canary was declared, None when it was there already; Knative mode.
    """

    def standard(service: dict[str, Any], pods: list[dict[str, Any]]) -> bool:
        found = [one for one in service.get("status", {}).get("canaryStatuses", []) if one["name"] == predictor]
        return bool(found) and found[0].get("ready") is True and found[0].get("trafficPercent", 0) == percent

    def knative(service: dict[str, Any], pods: list[dict[str, Any]]) -> bool:
        newest = newest_revision(service)
        part = service.get("status", {}).get("components", {}).get("predictor", {})
        ready = newest is not None and part.get("latestReadyRevision") == newest and _share(service) == percent
        return ready and newest != revision_before and _condition(service, "Ready").get("status") == "True"

    return standard if mode == "Standard" else knative


def without_share(service: dict[str, Any], pods: list[dict[str, Any]]) -> bool:
    """Whether the newest revision gets no requests; Knative mode."""
    return _share(service) == 0


def _share(service: dict[str, Any]) -> int:
    """Percent of the requests that the newest revision gets; Knative mode."""
    part = service.get("status", {}).get("components", {}).get("predictor", {})
    newest = newest_revision(service)
    return sum(one.get("percent") or 0 for one in part.get("traffic", []) if one.get("revisionName") == newest)


def newest_revision(service: dict[str, Any]) -> str | None:
    """The revision that Knative made last, ready or not; None in Standard mode."""
    part = service.get("status", {}).get("components", {}).get("predictor", {})
    newest: str | None = part.get("latestCreatedRevision")
    return newest


def trouble(service: dict[str, Any], pods: Iterable[dict[str, Any]], warnings: list[str], predictor: str | None) -> str:
    """Why the service, or the canary `predictor`, is not ready; the most telling reason first.

    warnings: `object: message` of the namespace's warning events, oldest first.
    """
    # In Knative mode a version's pods have the name of its revision.
    revision = newest_revision(service)
    wanted = f"{revision}-" if revision else f"-{predictor}-" if predictor else ""
    mine = [pod for pod in pods if wanted in pod["metadata"]["name"]]
    for pod in mine:
        if said := _pod_trouble(pod):
            return f"pod {pod['metadata']['name']}: {said}"
    quota = [line for line in warnings if "exceeded quota" in line and wanted in line]
    if quota:
        return f"quota exceeded: {quota[-1][:300]}; raise the quota, or ask for fewer replicas"
    refused = [line for line in warnings if "FailedCreate" in line or "denied" in line or "forbidden" in line]
    if not mine and refused:
        return f"no pod could be made: {refused[-1][:300]}"
    gateway = _condition(service, "IngressReady")
    if gateway.get("status") == "False" and predictor is None and mine:
        return f"no route: {gateway.get('message', '')}; is there a Gateway kserve-ingress-gateway, and a controller?"
    words = [one.get("message") or one.get("reason") for one in _conditions(service) if one.get("status") == "False"]
    if told := "; ".join(word for word in dict.fromkeys(words) if word):
        return told
    if mine:
        return f"pod {mine[-1]['metadata']['name']} is still starting"
    return "KServe says nothing; is its controller running?"


def _pod_trouble(pod: dict[str, Any]) -> str | None:
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
                return f"container {container['name']} ended ({reason}); its log says why"
            return f"server ended ({reason}); its log says why: a refused model is named there"
    for one in status.get("conditions", []):
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return f"no room: {one.get('message', '')[:200]}"
    return None


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _conditions(service: dict[str, Any]) -> list[dict[str, Any]]:
    conditions: list[dict[str, Any]] = service.get("status", {}).get("conditions", [])
    return conditions


def _condition(service: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((one for one in _conditions(service) if one["type"] == kind), {})
