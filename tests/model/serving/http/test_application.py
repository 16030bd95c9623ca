"""The application alone, around a model that echoes and a store that may fail."""

import asyncio
import json
from typing import Any

import kserve
import numpy as np
import pytest
from kserve.protocol.infer_type import InferOutput
from prometheus_client import REGISTRY

from model.serving.http.application import PATH, Application
from model.serving.http.events import BATCH
from model.serving.http.request import Message
from model.serving.predictor import Overloaded
from model.serving.server import FixedRepository, HonestDataPlane
from tests.model.serving.history.fake_store import FakeStore

BODY = json.dumps({"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["u"]}]}).encode()
MAX_BODY = 1 << 16
DATA = {"user_id": "u", "item_id": "milk", "event_time": "2020-01-01T10:00:00Z"}
EVENT = {"specversion": "1.0", "type": "aisle.purchase", "source": "till", "id": "7", "data": DATA}


class Echo(kserve.Model):
    """Answers with the user asked about, or raises."""

    version = "v1"

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
    body: bytes | list[bytes] = b"",
    path: str = PATH,
    method: str = "POST",
    error: Exception | None = None,
    store: FakeStore | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request; a list is a body in parts, and one without a part is cut off."""
    sent: list[Message] = []
    parts = body if isinstance(body, list) else [body]
    waiting = [{"type": "http.request", "body": part, "more_body": n + 1 < len(parts)} for n, part in enumerate(parts)]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    registry = kserve.model_repository.ModelRepository()
    registry.update(Echo(error))
    application = Application(
        HonestDataPlane(model_registry=registry),
        FixedRepository(model_registry=registry),
        store or FakeStore(),
        MAX_BODY,
    )
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": named}
    asyncio.run(application(scope, receive, send))
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], names, sent[1]["body"]


def test_an_inference_request_is_answered() -> None:
    status, headers, body = asked([BODY[:9], BODY[9:]])
    answer = json.loads(body)
    assert (status, answer["outputs"][0]["data"]) == (200, ["u"])
    assert headers == {"content-type": "application/json", "content-length": str(len(body))}


def test_the_answer_to_a_cloud_event_is_one() -> None:
    event = {"ce_specversion": "1.0", "ce_id": "7", "ce_source": "till", "ce_type": "ask"}
    status, headers, body = asked(BODY, **event)
    assert (status, json.loads(body)["outputs"][0]["data"]) == (200, ["u"])
    assert headers["ce-type"] == "io.kserve.inference.response" and headers["ce-specversion"] == "1.0"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"{"],
        [b"[]"],
        [b'{"inputs": 5}'],
        [b"[" * 50_000],
        [BODY.replace(b'"user_id"', b"7")],
        [BODY.replace(b"[1]", b"[NaN]")],
        [json.dumps({"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["u"]}] * 13}).encode()],
        [json.dumps({"inputs": [{"name": "k", "shape": [1], "datatype": "INT32", "data": [1] * 1001}]}).encode()],
        [BODY[:-1] + b', "outputs": [' + b",".join([b'{"name": "x"}'] * 7) + b"]}"],
    ],
    ids=["cut off", "half", "a list", "a number", "deep", "a name", "no number", "inputs", "elements", "outputs"],
)
def test_a_bad_body_is_a_400_with_one_line(parts: list[bytes]) -> None:
    status, _, body = asked(parts)
    refusal = json.loads(body)
    assert status == 400 and list(refusal) == ["error"] and "\n" not in refusal["error"]


def test_a_body_in_parts_that_is_too_long_is_a_413() -> None:
    assert asked([b" " * MAX_BODY, BODY])[0] == 413


def _binary(size: Any, tail: bytes, head: int | None = None) -> int:
    spec = {"name": "user_id", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [spec]}).encode()
    return asked(text + tail, inference_header_content_length=str(len(text) if head is None else head))[0]


def test_the_sizes_of_a_binary_body_must_add_up() -> None:
    user = b"\1\0\0\0u"
    assert _binary(5, user) == 200
    assert [_binary(5, user + b"x"), _binary(6, user), _binary(-1, user), _binary("5", user)] == [400] * 4
    assert [_binary(5, user, head) for head in (-1, 0, 10_000)] == [400] * 3


def test_an_overloaded_server_sends_retry_after() -> None:
    status, headers, body = asked(BODY, error=Overloaded("overloaded"))
    assert (status, headers["retry-after"], json.loads(body)) == (503, "1", {"error": "overloaded"})


def test_an_error_of_ours_is_a_500_in_the_protocols_form_and_counted() -> None:
    labels = {"endpoint": "infer", "status": "500"}
    before = REGISTRY.get_sample_value("aisle_answers_total", labels) or 0.0
    status, _, body = asked(BODY, error=RuntimeError("broken"))
    assert (status, json.loads(body)) == (500, {"error": "RuntimeError: broken"})
    assert REGISTRY.get_sample_value("aisle_answers_total", labels) == before + 1


def test_a_shopper_is_forgotten_on_request_and_may_be_asked_about_again() -> None:
    store = FakeStore(items={"u/1 é": ["milk"], "v": ["milk"]})
    path = "/shoppers/u%2F1%20%C3%A9"
    assert json.loads(asked(path=path, method="DELETE", store=store)[2]) == {"deleted": True}
    assert json.loads(asked(path=path, method="DELETE", store=store)[2]) == {"deleted": False}
    assert list(store.items) == ["v"]


@pytest.mark.parametrize("name", ["50%31", "u/1", "/u", "u%2", "u%zz", "u+v", "%FF", "", "a%00b", "..", "%2E%2E"])
def test_an_id_in_a_path_has_one_spelling_and_any_other_deletes_no_shopper(name: str) -> None:
    store = FakeStore(items={id_: ["milk"] for id_ in ("501", "50%31", "u/1", "/u", "u", "u+v", "u v", "\ufffd", "..")})
    before = dict(store.items)
    status, _, body = asked(path=f"/shoppers/{name}", method="DELETE", store=store)
    assert (status, list(json.loads(body))) == (400, ["error"])
    assert store.items == before


def test_while_the_store_is_down_purchases_and_deletions_are_a_503_with_retry_after() -> None:
    store = FakeStore(down=True)
    sent = asked(json.dumps([EVENT]).encode(), "/events", store=store, content_type=BATCH)
    for status, headers, body in (sent, asked(path="/shoppers/u", method="DELETE", store=store)):
        assert (status, json.loads(body)) == (503, {"error": "store: down on purpose"})
        assert headers["retry-after"] == "1"
    assert store.items == {}


def test_a_purchase_is_taken_once_the_store_is_back() -> None:
    status, _, body = asked(json.dumps([EVENT]).encode(), "/events", content_type=BATCH)
    assert (status, json.loads(body)) == (202, {"accepted": 1, "added": 1})


def test_purchases_are_counted_by_what_became_of_them_with_how_late_they_came() -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def counts() -> tuple[float, float, float]:
        taken, lost = (count("aisle_events_total", result=result) for result in ("added", "unavailable"))
        return taken, lost, count("aisle_event_lag_seconds_bucket", le="604800.0")

    before = counts()
    for store in (FakeStore(), FakeStore(down=True)):
        asked(json.dumps([EVENT, EVENT]).encode(), "/events", store=store, content_type=BATCH)
    assert counts() == (before[0] + 2, before[1] + 2, before[2])  # of 2020, so in no bucket of a week
