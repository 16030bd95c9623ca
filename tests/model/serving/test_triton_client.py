"""Triton's clients, the other well-kept ones of the Open Inference Protocol, against the running server."""

import json
import subprocess
import sys
from typing import Any

import pytest

from model.serving.v2_inputs import INPUTS, OUTPUTS
from tests.model.serving.live_server import Server

FORMS = ("REST", "gRPC")


@pytest.fixture(scope="module")
def answers(server: Server) -> dict[str, Any]:
    """{form: {what was asked: the answer}}"""
    command = [sys.executable, "-m", "tests.model.serving.triton_calls", str(server.port), str(server.grpc_port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    by_form: dict[str, Any] = json.loads(done.stdout)
    return by_form


@pytest.mark.parametrize("form", FORMS)
def test_the_server_is_live_and_ready_and_only_its_own_model_is(answers: dict[str, Any], form: str) -> None:
    assert answers[form]["states"] == [True, True, True]
    no = {"REST": "False", "gRPC": "StatusCode.NOT_FOUND: Model with name other does not exist."}
    assert answers[form]["another is ready"] == no[form]
    assert answers[form]["server"]["name"] == "aisle"


@pytest.mark.parametrize("form", FORMS)
def test_the_metadata_has_the_real_tensors(answers: dict[str, Any], form: str) -> None:
    metadata = answers[form]["model"]
    assert metadata["name"] == "aisle"
    for tensors_read, tensors in ((metadata["inputs"], INPUTS), (metadata["outputs"], OUTPUTS)):
        read = [
            (tensor_read["name"], tensor_read["datatype"], [int(size) for size in tensor_read["shape"]])
            for tensor_read in tensors_read
        ]
        assert read == [(tensor.name, tensor.datatype, [tensor.size]) for tensor in tensors]


@pytest.mark.parametrize("form", FORMS)
def test_binary_tensors_go_both_ways(answers: dict[str, Any], form: str) -> None:
    assert answers[form]["binary"] == {"item_id": ["a", "b"], "score": [1.0, 0.5], "reason": ["popular", "popular"]}


@pytest.mark.parametrize("form", FORMS)
def test_only_the_outputs_asked_for_come(answers: dict[str, Any], form: str) -> None:
    assert answers[form]["some outputs"] == {"score": [1.0, 0.5]}


def test_json_tensors_go_both_ways_over_rest(answers: dict[str, Any]) -> None:
    assert answers["REST"]["json"] == {"item_id": ["a", "b"], "score": [1.0, 0.5]}


def test_a_refusal_reaches_the_caller_with_its_reason(answers: dict[str, Any]) -> None:
    reason = "input k: expected 1 to 100, got 101"
    assert answers["REST"]["refused"] == f"400: {reason}"
    assert answers["gRPC"]["refused"] == f"StatusCode.INVALID_ARGUMENT: {reason}"


@pytest.mark.parametrize("form", FORMS)
def test_another_model_is_not_found(answers: dict[str, Any], form: str) -> None:
    code = {"REST": "404", "gRPC": "StatusCode.NOT_FOUND"}[form]
    assert answers[form]["another"] == f"{code}: Model with name other does not exist."
