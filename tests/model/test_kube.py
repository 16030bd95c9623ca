"""What the API server refuses, in words that tell what to do."""

import json

import pytest

from model.errors import CheckFailed, InputError
from model.kube import KubeCluster, refusal

CASES = [
    (404, "the server could not find the requested resource", InputError, "install KServe first"),
    (404, 'inferenceservices.serving.kserve.io "aisle" not found', InputError, "apply the manifests"),
    (403, "inferenceservices is forbidden: User cannot patch", InputError, "not allowed"),
    (403, "pods is forbidden: exceeded quota: small", CheckFailed, "exceeded quota"),
    (409, "Apply failed with 1 conflict", CheckFailed, "somebody else manages these fields"),
    (500, "Internal error: failed calling webhook", CheckFailed, "KServe's controller does not answer"),
    (422, "spec.canary[0].trafficPercent: Invalid value: 150", CheckFailed, "Invalid value: 150"),
]


@pytest.mark.parametrize(("status", "message", "kind", "words"), CASES, ids=[words for *_, words in CASES])
def test_a_refusal_says_what_to_do(status: int, message: str, kind: type[Exception], words: str) -> None:
    error = refusal(status, json.dumps({"message": message}), "aisle")
    assert isinstance(error, kind) and words in str(error) and "\n" not in str(error)


def test_a_reply_that_is_no_json_is_shown_as_it_is() -> None:
    assert "page not found" in str(refusal(500, "page not found", "aisle"))


def test_a_missing_kubeconfig_is_told(tmp_path: object) -> None:
    with pytest.raises(InputError, match="expected a cluster to talk to"):
        KubeCluster("aisle", f"{tmp_path}/none")
