"""What is wrong with an InferenceService that KServe would take all the same.

What KServe's webhook refuses by itself (names, shares and fields of a canary, a rename without another model, another
deployment mode) is left to it: it refuses the apply, and nothing has changed.
"""

from collections.abc import Iterator, Sequence

from components.inference_service.traffic import SCHEMES, KubeObject, Mode, mode
from model.errors import InputError


def problems(service: KubeObject, runtimes: Sequence[KubeObject]) -> list[str]:
    """One line for each rule that is broken, empty when all hold.

    Args:
        service: an InferenceService.
        runtimes: the ServingRuntimes of its namespace.
    """
    try:
        declared_mode = mode(service)
    except InputError as error:
        return [str(error)]
    spec = service["spec"]
    predictor = spec.get("predictor", {})
    pushed = "name" in predictor or "storageUri" in (predictor.get("model") or {})
    broken = [*_predictor("spec.predictor", predictor, runtimes, pushed), *_mode(declared_mode, spec)]
    for index, canary in enumerate(spec.get("canary", [])):
        broken += _predictor(f"spec.canary[{index}].predictor", canary.get("predictor", {}), runtimes)
    return broken


def _mode(declared_mode: Mode, spec: KubeObject) -> Iterator[str]:
    """Fields that the mode would ignore, or that do not go together."""
    percent = spec.get("predictor", {}).get("canaryTrafficPercent")
    if declared_mode == "Standard":
        if percent is not None:
            yield "spec.predictor.canaryTrafficPercent: without effect in Standard mode; use spec.canary"
        if spec.get("canary") and ("transformer" in spec or "explainer" in spec):
            yield "spec.canary: does not go with a transformer or explainer; put all stages into the predictor"
        return
    if spec.get("canary"):
        yield "spec.canary: refused in Knative mode; use spec.predictor.canaryTrafficPercent"
    if percent is not None and (type(percent) is not int or not 0 <= percent <= 100):
        yield f"spec.predictor.canaryTrafficPercent: expected 0 to 100, got {percent!r}"


def _predictor(where: str, predictor: KubeObject, runtimes: Sequence[KubeObject], pushed: bool = True) -> Iterator[str]:
    """`pushed`: whether a model was ever pushed; before that there is neither storageUri nor runtime."""
    model = predictor.get("model")
    if model is None:
        yield f"{where}.model: missing; a service without `model:` and storageUri can neither canary nor promote"
        return
    uri = model.get("storageUri", "")
    scheme, _, rest = uri.partition("://")
    if pushed and (scheme not in SCHEMES or not rest):
        yield f"{where}.model.storageUri: expected {', '.join(f'{name}://' for name in SCHEMES)}, got {uri!r}"
    names, runtime = [r["metadata"]["name"] for r in runtimes], model.get("runtime")
    wanted = model.get("modelFormat", {})
    able = [r for r in runtimes if runtime in (None, r["metadata"]["name"])]
    formats = [(f["name"], f.get("version")) for r in able for f in r["spec"].get("supportedModelFormats", [])]
    if runtime not in names and (pushed or runtime is not None):
        yield f"{where}.model.runtime: expected one of {', '.join(names) or 'none'}, got {runtime!r}"
    elif (wanted.get("name"), wanted.get("version")) not in formats:
        served = ", ".join(f"{name} {version}" for name, version in formats) or "none"
        yield f"{where}.model.modelFormat: no runtime serves {wanted}; {runtime or 'the runtimes here'}: {served}"
    if where == "spec.predictor" and model.get("protocolVersion") != "v2":
        yield f"{where}.model.protocolVersion: expected v2, got {model.get('protocolVersion')!r}; KServe would take v1"
