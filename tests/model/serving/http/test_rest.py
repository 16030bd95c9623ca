"""The short way alone, in front of an application with a status of its own."""

import asyncio
import json
from typing import Any

import kserve
import numpy as np
import pytest
from kserve.protocol.infer_type import InferOutput

from model.serving.http.rest import MAX_BODY, PATH, Message, ShortWay
from model.serving.predictor import Overloaded
from model.serving.server import StrictDataPlane

BODY = json.dumps({"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["u"]}]}).encode()


class Echo(kserve.Model):
    """Answers with the user asked about, or raises."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__("aisle")
        self.error = error
        self.ready = True

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> kserve.InferResponse:
        if self.error is not None:
            raise self.error
        items = np.array([payload.inputs[0].data[0]], np.object_)
        output = InferOutput(name="item_id", datatype="BYTES", shape=[1], data=items)
        return kserve.InferResponse(response_id="r", model_name="aisle", infer_outputs=[output])


def asked(
    parts: list[bytes], path: str = PATH, error: Exception | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one POST whose body comes in parts; status 299 from the application behind."""
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": part, "more_body": n + 1 < len(parts)} for n, part in enumerate(parts)]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def behind(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"behind"})

    registry = kserve.model_repository.ModelRepository()
    registry.update(Echo(error))
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": named}
    asyncio.run(ShortWay(behind, StrictDataPlane(model_registry=registry))(scope, receive, send))
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], names, sent[1]["body"]


def test_an_inference_request_is_answered_before_the_application() -> None:
    status, headers, body = asked([BODY[:9], BODY[9:]])
    answer = json.loads(body)
    assert (status, answer["outputs"][0]["data"]) == (200, ["u"])
    assert headers == {"content-type": "application/json", "content-length": str(len(body))}


@pytest.mark.parametrize(
    ("path", "headers"), [("/events", {}), (PATH, {"ce_specversion": "1.0"}), (PATH + "/", {})], ids=str
)
def test_everything_else_goes_on_to_the_application(path: str, headers: dict[str, str]) -> None:
    assert asked([BODY], path, **headers)[0] == 299


@pytest.mark.parametrize(
    "parts",
    [[], [b"{"], [b"[]"], [b'{"inputs": 5}'], [b" " * MAX_BODY, BODY], [BODY.replace(b'"user_id"', b"7")]],
    ids=["cut off", "half", "a list", "a number", "too long", "a name that is a number"],
)
def test_a_bad_body_is_a_400_with_one_line(parts: list[bytes]) -> None:
    status, _, body = asked(parts)
    refusal = json.loads(body)
    assert status == 400 and list(refusal) == ["error"] and "\n" not in refusal["error"]


def test_an_overloaded_server_sends_retry_after() -> None:
    status, headers, body = asked([BODY], error=Overloaded("overloaded"))
    assert (status, headers["retry-after"], json.loads(body)) == (503, "1", {"error": "overloaded"})


def test_an_error_of_ours_is_a_500_in_the_protocols_form() -> None:
    status, _, body = asked([BODY], error=RuntimeError("broken"))
    assert (status, json.loads(body)) == (500, {"error": "RuntimeError: broken"})
