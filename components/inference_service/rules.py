"""What is wrong with an InferenceService that the API server would take all the same, or refuse in dark words.

KServe's webhook and our own rules in one list, so that a mistake is named before anything is applied.
"""

import re
from collections.abc import Iterator
from typing import Any

from components.inference_service.traffic import SCHEMES, mode
from model.errors import InputError

FORBIDDEN_IN_CANARY = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling", "workerSpec")
"""A canary has a fixed number of pods."""
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def problems(service: dict[str, Any], runtimes: list[dict[str, Any]]) -> list[str]:
    """One line for each rule that is broken, empty when all hold.

    service: an InferenceService. runtimes: the ServingRuntimes of its namespace.
    """
    try:
        found_mode = mode(service)
    except InputError as error:
        return [str(error)]
    spec = service["spec"]
    predictor = spec.get("predictor", {})
    pushed = "name" in predictor or "storageUri" in (predictor.get("model") or {})
    found = list(_predictor("spec.predictor", predictor, runtimes, pushed))
    canaries = spec.get("canary", [])
    if found_mode == "Standard":
        found += _standard(spec, canaries, runtimes)
    else:
        found += _knative(spec, canaries)
    return found


def change_problems(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is wrong with a change: mode switched, or the predictor renamed without another model."""
    found = []
    if mode(before) != mode(after):
        found.append(f"deployment mode: cannot change from {mode(before)} to {mode(after)}; delete the service first")
    old, new = before["spec"]["predictor"], after["spec"]["predictor"]
    same_model = old.get("model", {}).get("storageUri") == new.get("model", {}).get("storageUri")
    if old.get("name", "") != new.get("name", "") and same_model:
        found.append(f"spec.predictor.name: {new.get('name')!r} renames the same storageUri; push a new version")
    return found


def _standard(spec: dict[str, Any], canaries: list[Any], runtimes: list[dict[str, Any]]) -> Iterator[str]:
    if "canaryTrafficPercent" in spec.get("predictor", {}):
        yield "spec.predictor.canaryTrafficPercent: without effect in Standard mode; use spec.canary"
    if canaries and ("transformer" in spec or "explainer" in spec):
        yield "spec.canary: does not go with a transformer or explainer; keep all stages in the predictor"
    names = [canary.get("predictor", {}).get("name", "") for canary in canaries]
    taken = {spec.get("predictor", {}).get("name", "")}
    for index, (canary, name) in enumerate(zip(canaries, names, strict=True)):
        where = f"spec.canary[{index}]"
        if not _NAME.fullmatch(name):
            yield f"{where}.predictor.name: expected lower-case letters, digits and '-', got {name!r}"
        if name in taken:
            yield f"{where}.predictor.name: {name!r} is taken; every version needs a name of its own"
        taken.add(name)
        if not _is_percent(canary.get("trafficPercent")):
            yield f"{where}.trafficPercent: expected 0 to 100, got {canary.get('trafficPercent')!r}"
        for field in FORBIDDEN_IN_CANARY:
            if field in canary.get("predictor", {}):
                yield f"{where}.predictor.{field}: not allowed, a canary has a fixed number of pods"
        yield from _predictor(f"{where}.predictor", canary.get("predictor", {}), runtimes)
    total = sum(c["trafficPercent"] for c in canaries if _is_percent(c.get("trafficPercent")))
    if total > 100:
        yield f"spec.canary: expected at most 100 % in all, got {total}"


def _knative(spec: dict[str, Any], canaries: list[Any]) -> Iterator[str]:
    if canaries:
        yield "spec.canary: refused in Knative mode; use spec.predictor.canaryTrafficPercent"
    percent = spec.get("predictor", {}).get("canaryTrafficPercent", 0)
    if not _is_percent(percent):
        yield f"spec.predictor.canaryTrafficPercent: expected 0 to 100, got {percent!r}"


def _predictor(
    where: str, predictor: dict[str, Any], runtimes: list[dict[str, Any]], pushed: bool = True
) -> Iterator[str]:
    """`pushed`: whether a model was ever pushed; before that there is no storageUri."""
    model = predictor.get("model")
    if model is None:
        yield f"{where}.model: missing; a service without `model:` and storageUri can neither canary nor promote"
        return
    uri = model.get("storageUri", "")
    if pushed and (uri.partition("://")[0] not in SCHEMES or not uri.partition("://")[2]):
        yield f"{where}.model.storageUri: expected {', '.join(f'{s}://' for s in SCHEMES)}, got {uri!r}"
    wanted = model.get("modelFormat", {})
    formats = [(f["name"], f.get("version")) for r in runtimes for f in r["spec"].get("supportedModelFormats", [])]
    if (wanted.get("name"), wanted.get("version")) not in formats:
        known = ", ".join(f"{name} {version}" for name, version in formats) or "none"
        yield f"{where}.model.modelFormat: no runtime serves {wanted}; the runtimes here serve {known}"
    if where == "spec.predictor" and model.get("protocolVersion") != "v2":
        yield f"{where}.model.protocolVersion: expected v2, got {model.get('protocolVersion')!r}; KServe would take v1"


def _is_percent(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
