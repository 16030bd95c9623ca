"""What the service declares, what KServe makes of it and what the gateway was given, as lines for people."""

from collections.abc import Iterator

from components.inference_service.observed import Observed
from components.inference_service.readiness import pods_wanted, ready_pods, share_in_status, weights
from components.inference_service.traffic import KubeObject, Mode, mode


def service_lines(
    service: KubeObject, pods: list[KubeObject], route: KubeObject | None, present: Observed
) -> tuple[str, ...]:
    """The three places that have a share, and the pods behind them.

    Args:
        route: the HTTPRoute that KServe writes, None where there is none.
        present: the service beside its record.
    """
    service_mode = mode(service)
    return (
        f"declared  {_declared(service, service_mode)}{_unadopted(present)}",
        f"KServe    {_status(service, service_mode, present)}",
        *(f"pods      {line}" for line in _pods(service, pods, present) if service_mode == "Standard"),
        *([f"route     {_route(route)}"] if service_mode == "Standard" else []),
    )


def _declared(service: KubeObject, service_mode: Mode) -> str:
    predictor = service["spec"]["predictor"]
    if service_mode == "Knative":
        percent = predictor.get("canaryTrafficPercent")
        return "no canary" if percent is None else f"canary {percent} %"
    canaries = service["spec"].get("canary") or []
    shares = [f"{canary['predictor'].get('name')} {canary.get('trafficPercent', 0)} %" for canary in canaries]
    return ", ".join(
        [f"stable {predictor.get('name')}", *(f"canary {share}" for share in shares)]
        if shares
        else [f"stable {predictor.get('name')}", "no canary"]
    )


def _unadopted(present: Observed) -> str:
    if not present.change:
        return ""
    return f"  [edited: {present.line()}; the next command or step of Aisle adopts it]"


def _status(service: KubeObject, service_mode: Mode, present: Observed) -> str:
    canary = present.traffic.canary
    conditions = service.get("status", {}).get("conditions", [])
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), "Unknown")
    text = f"service {'ready' if ready == 'True' else 'not ready'}"
    share = share_in_status(service, service_mode, canary.predictor) if canary is not None else None
    return f"{text}, {share}" if share else text


def _pods(service: KubeObject, pods: list[KubeObject], present: Observed) -> Iterator[str]:
    for role in ("stable", "canary"):
        version = present.traffic.by_name().get(role)
        if version is not None:
            ready = len(ready_pods(pods, version.predictor))
            wanted = pods_wanted(service, version.predictor)
            yield f"{role} {version.predictor}: {ready} ready, at least {wanted} declared"


def _route(route: KubeObject | None) -> str:
    if route is None:
        return "none, or not readable (httproutes)"
    return ", ".join(f"{name} {share} %" for name, share in weights(route).items())
