"""Mistakes that KServe lets pass, named."""

from typing import Any

import pytest

from components.inference_service.rules import problems
from components.inference_service.traffic import Traffic, declared, merged, with_canary
from tests.components.inference_service.test_traffic import NEW, OLD

FORMATS = [{"name": "aisle", "version": "1"}]
RUNTIMES = [
    {"metadata": {"name": "aisle"}, "spec": {"supportedModelFormats": FORMATS}},
    {"metadata": {"name": "aisle-b"}, "spec": {"supportedModelFormats": FORMATS}},
    {"metadata": {"name": "sklearn"}, "spec": {"supportedModelFormats": [{"name": "sklearn"}]}},
]


def service(mode: str = "Standard") -> dict[str, Any]:
    model = {"modelFormat": {"name": "aisle", "version": "1"}, "protocolVersion": "v2"}
    base = {
        "metadata": {"annotations": {"serving.kserve.io/deploymentMode": mode}},
        "spec": {"predictor": {"model": model}},
    }
    traffic = with_canary(Traffic(stable=OLD), NEW, 10)
    return merged(base, declared(traffic, "Standard" if mode == "Standard" else "Knative", "aisle"))


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_what_push_declares_breaks_no_rule(mode: str) -> None:
    assert problems(service(mode), RUNTIMES) == []


def changed(mode: str, path: str, value: Any) -> dict[str, Any]:
    """The service with one field set; `path` is dotted, list positions as numbers."""
    whole = service(mode)
    inner: Any = whole
    *way, last = path.split(".")
    for key in way:
        inner = inner[int(key)] if key.isdigit() else inner.setdefault(key, {})
    inner[last] = value
    return whole


MISTAKES = [
    ("Standard", "metadata.annotations", {}, "expected Standard or Knative"),
    ("Standard", "spec.predictor.canaryTrafficPercent", 10, "without effect in Standard mode"),
    ("Standard", "spec.canary.0.predictor.model.storageUri", "foo://a", "expected s3://"),
    ("Standard", "spec.canary.0.predictor.model.modelFormat", {"name": "sklearn"}, "no runtime serves"),
    ("Standard", "spec.canary.0.predictor.model.runtime", "sklearn", "no runtime serves"),
    ("Standard", "spec.canary.0.predictor.model.runtime", None, "expected one of aisle, aisle-b, sklearn, got None"),
    ("Standard", "spec.predictor.model.runtime", "aisle-2", "expected one of aisle, aisle-b, sklearn, got 'aisle-2'"),
    ("Standard", "spec.predictor.model.storageUri", "minio://a/b", "expected s3://"),
    ("Standard", "spec.predictor.model.protocolVersion", "v1", "expected v2"),
    ("Standard", "spec.predictor.model", None, "can neither canary nor promote"),
    ("Standard", "spec.transformer", {}, "transformer"),
    ("Knative", "spec.canary", [{"trafficPercent": 10}], "refused in Knative mode"),
    ("Knative", "spec.predictor.canaryTrafficPercent", 150, "expected 0 to 100, got 150"),
    ("Knative", "spec.predictor.canaryTrafficPercent", "10", "expected 0 to 100"),
    ("Knative", "spec.predictor.canaryTrafficPercent", True, "expected 0 to 100"),
]


@pytest.mark.parametrize(("mode", "path", "value", "words"), MISTAKES, ids=[f"{m} {p} {v}" for m, p, v, _ in MISTAKES])
def test_a_mistake_is_named(mode: str, path: str, value: Any, words: str) -> None:
    assert any(words in problem for problem in problems(changed(mode, path, value), RUNTIMES))
