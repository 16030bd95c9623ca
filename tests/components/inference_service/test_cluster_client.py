"""What the API server refuses, with what to do."""

import json
from typing import Any

import pytest

from components.inference_service import cluster_client as kube
from components.inference_service.cluster_client import Cluster, refusal
from model.errors import CheckFailed, InputError

CASES = [
    (404, "the server could not find the requested resource", InputError, "install KServe first"),
    (404, 'inferenceservices.serving.kserve.io "aisle" not found', InputError, "apply the manifests"),
    (403, "inferenceservices is forbidden: User cannot patch", InputError, "not allowed"),
    (
        403,
        'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request: canary is refused',
        CheckFailed,
        "refused by webhook inferenceservice.kserve-webhook-server.validator: canary is refused",
    ),
    (403, "pods is forbidden: exceeded quota: small", CheckFailed, "exceeded quota"),
    (409, "Apply failed with 1 conflict", CheckFailed, "changed in between"),
    (500, "Internal error: failed calling webhook", CheckFailed, "KServe's controller does not answer"),
    (422, "spec.canary[0].trafficPercent: Invalid value: 150", CheckFailed, "Invalid value: 150"),
]


@pytest.mark.parametrize(("status", "message", "kind", "words"), CASES, ids=[words for *_, words in CASES])
def test_a_refusal_names_what_to_do(status: int, message: str, kind: type[Exception], words: str) -> None:
    error = refusal(status, json.dumps({"message": message}), "aisle")
    assert isinstance(error, kind) and words in str(error) and "\n" not in str(error)


def test_a_reply_that_is_no_json_is_shown_as_it_is() -> None:
    assert "page not found" in str(refusal(500, "page not found", "aisle"))


class Scripted(Cluster):
    """Each call is answered by the next of these: an error, or an object."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.namespace = "aisle"
        self.answers, self.asked = list(answers), list[str]()

    def _call(self, verb: str, path: str, query: list[tuple[str, str]], body: Any) -> dict[str, Any]:
        self.asked.append(f"{verb} {path.rpartition('/')[2]}")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


SILENT = refusal(500, json.dumps({"message": "Internal error: failed calling webhook"}), "aisle")


def test_an_apply_waits_for_a_webhook_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "RETRY_S", 0.0)
    cluster = Scripted(SILENT, SILENT, {"kind": "ConfigMap"})
    assert cluster.apply({"kind": "ConfigMap"}) == {"kind": "ConfigMap"}
    assert cluster.asked == ["PATCH aisle-traffic"] * 3


def test_a_webhook_that_stays_silent_is_reported_and_any_other_refusal_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "WEBHOOK_S", -1.0)
    with pytest.raises(CheckFailed, match="KServe's controller does not answer"):
        Scripted(SILENT).apply({"kind": "InferenceService"})
    refused = Scripted(CheckFailed("exceeded quota"))
    with pytest.raises(CheckFailed, match="exceeded quota"):
        refused.apply({"kind": "InferenceService"})
    assert refused.asked == ["PATCH aisle"]


def test_a_record_that_is_missing_with_kserve_itself_is_reported_as_that() -> None:
    no_record, no_kind = (refusal(404, json.dumps({"message": message}), "aisle") for _, message, *_ in CASES[1::-1])
    with pytest.raises(InputError, match="install KServe first"):
        Scripted(no_record, no_kind).record()
    with pytest.raises(InputError, match="apply the manifests"):
        Scripted(no_record, {}).record()


def test_a_missing_kubeconfig_is_reported(tmp_path: object) -> None:
    with pytest.raises(InputError, match="expected a cluster to talk to"):
        Cluster("aisle", f"{tmp_path}/none")
