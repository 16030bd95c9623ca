"""Whatever a client sends, the answer is an answer or a refusal in the protocol's shape; never a 5xx, never a crash."""

import json
from typing import Any

import grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.serving.events import BATCH, STRUCTURED
from model.serving.inputs import INPUTS
from tests.model.serving.live_server import Server, grpc_request

EXAMPLES = 200
INFER = "/v2/models/aisle/infer"
QUICK = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
names = st.sampled_from([tensor.name for tensor in INPUTS]) | st.text(max_size=8)
datatypes = st.sampled_from(["BYTES", "INT32", "FP32", "INT64", "BOOL", "FP16", "TEXT", ""])
tensors = st.fixed_dictionaries(
    {"name": names, "shape": st.lists(st.integers(-2, 5), max_size=3) | anything, "datatype": datatypes | anything},
    optional={"data": st.lists(scalars, max_size=4) | anything, "parameters": anything},
)
bodies = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=4) | anything},
    optional={
        "id": st.text(max_size=10) | anything,
        "parameters": st.dictionaries(st.sampled_from(["deadline_ms", "x"]), scalars, max_size=2) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": names}), max_size=3) | anything,
    },
)
events = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.just("1.0") | anything,
        "type": st.just("aisle.purchase") | anything,
        "source": st.text(min_size=1, max_size=9) | anything,
        "id": st.text(min_size=1, max_size=9) | anything,
        "data": st.fixed_dictionaries({"user_id": st.text(), "item_id": st.text(), "event_time": scalars}) | anything,
    },
)


def _check(status: int, answer: Any, good: int = 200) -> None:
    assert status in (good, 400), (status, answer)
    if status == 400:
        assert list(answer) == ["error"] and isinstance(answer["error"], str) and answer["error"]


@QUICK
@given(body=bodies)
def test_any_json_body_is_answered_or_refused(server: Server, body: dict[str, Any]) -> None:
    _check(*server.call("POST", INFER, json.dumps(body).encode(), content_type="application/json"))


@QUICK
@given(
    body=st.binary(max_size=200), head=st.integers(-5, 250) | st.text(st.characters(codec="ascii", categories=["L"]))
)
def test_any_bytes_are_refused(server: Server, body: bytes, head: int | str) -> None:
    headers = {"content_type": "application/octet-stream", "inference_header_content_length": str(head)}
    _check(*server.call("POST", INFER, body, **headers))
    _check(*server.call("POST", INFER, body, content_type="application/json"))


@QUICK
@given(body=events | st.lists(events, max_size=3) | anything, kind=st.sampled_from([BATCH, STRUCTURED, "text/plain"]))
def test_any_event_is_taken_or_refused(server: Server, body: Any, kind: str) -> None:
    _check(*server.call("POST", "/events", json.dumps(body).encode(), content_type=kind), good=202)


@QUICK
@given(
    name=st.sampled_from([tensor.name for tensor in INPUTS]) | st.text(st.characters(codec="utf-8"), max_size=8),
    datatype=datatypes,
    contents=st.fixed_dictionaries(
        {},
        optional={
            "bytes_contents": st.lists(st.binary(max_size=9), max_size=3),
            "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
            "fp32_contents": st.lists(st.floats(width=32), max_size=3),
        },
    ),
    raw=st.lists(st.binary(max_size=12), max_size=2),
)
def test_any_grpc_request_is_answered_or_an_invalid_argument(
    server: Server, name: str, datatype: str, contents: dict[str, Any], raw: list[bytes]
) -> None:
    request = grpc_request(name, datatype, **contents)
    request.raw_input_contents.extend(raw)
    answer = server.stub.ModelInfer.future(request, timeout=10)
    assert answer.code() in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), answer.details()
    assert answer.code() is grpc.StatusCode.OK or answer.details()
