"""What no client should send, to every endpoint of a server; the answer must be an answer or a refusal in shape.

tests/model/serving/test_fuzz.py sends a little of it in every test run, and a lot for benchmarks/serving/fuzz.py.
"""

import json
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from model.serving.http.events import BATCH, STRUCTURED
from model.serving.v2_inputs import INPUTS, OUTPUTS
from tests.model.serving.live_server import Server, grpc_request

INFER = "/v2/models/aisle/infer"

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
user = st.builds(
    lambda data: {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": [data]}, st.text(max_size=9)
)
bodies = st.fixed_dictionaries(
    {"inputs": st.builds(lambda first, more: [first, *more], user, st.lists(tensors, max_size=2)) | anything},
    optional={
        "id": st.text(max_size=10) | anything,
        "parameters": st.dictionaries(st.sampled_from(["deadline_ms", "x"]), scalars, max_size=2) | anything,
        "outputs": st.lists(st.fixed_dictionaries({"name": names}), max_size=3) | anything,
    },
)
heads = st.integers(-5, 250) | st.text(st.characters(codec="ascii", categories=["L"]))
tails = st.binary(max_size=12) | st.builds(lambda text: struct.pack("<I", len(text)) + text, st.binary(max_size=9))
events = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.just("1.0") | anything,
        "type": st.sampled_from(["aisle.purchase", "aisle.view"]) | anything,
        "source": st.text(min_size=1, max_size=9) | anything,
        "id": st.text(min_size=1, max_size=9) | anything,
        "data": st.fixed_dictionaries(
            {"user_id": st.text(), "item_id": st.text(), "event_time": scalars},
            optional={"store_id": scalars, "quantity": scalars, "price": scalars, "colour": anything},
        )
        | anything,
    },
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
parts = st.sampled_from(
    ["v1", "v2", "models", "aisle", "ready", "infer", "versions", "health", "live", "repository", "load", "metrics"]
) | st.text(max_size=5)
paths = st.one_of(
    st.lists(parts, max_size=6).map(lambda names: "/" + "/".join(names)),
    st.text(max_size=9).map(lambda name: f"/shoppers/{name}"),
    st.sampled_from(["/events", "/metrics", "/", "/v2/models/aisle/infer"]),
)
kinds = st.sampled_from([BATCH, STRUCTURED, "text/plain"])
proto_text = st.text(st.characters(codec="utf-8"), max_size=8)
input_names = st.sampled_from([tensor.name for tensor in INPUTS]) | proto_text
output_names = st.sampled_from([tensor.name for tensor in OUTPUTS]) | proto_text
raw_inputs = st.lists(st.binary(max_size=12), max_size=2)
contents = st.fixed_dictionaries(
    {},
    optional={
        "bytes_contents": st.lists(st.binary(max_size=9), max_size=3),
        "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        "fp32_contents": st.lists(st.floats(width=32), max_size=3),
    },
)


@dataclass(frozen=True)
class Door:
    """What to send, and how; `send` returns what came: a status, or gRPC's code."""

    values: st.SearchStrategy[Any]
    send: Callable[[Server, Any], str]


def _json(server: Server, body: Any) -> str:
    return _checked(*server.call("POST", INFER, json.dumps(body).encode(), content_type="application/json"))


def _binary(server: Server, value: tuple[bytes, int | str]) -> str:
    body, head = value
    headers = {"content_type": "application/octet-stream", "inference_header_content_length": str(head)}
    return _checked(*server.call("POST", INFER, body, **headers))


def _framed(tail: bytes, off: int) -> tuple[bytes, int]:
    """(body, length of its JSON) of a request whose user is `tail`; the length may be off by one."""
    spec = {"name": "user_id", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
    head = json.dumps({"inputs": [spec]}).encode()
    return head + tail, len(head) + off


def _text(server: Server, body: bytes) -> str:
    return _checked(*server.call("POST", INFER, body, content_type="application/json"))


def _event(server: Server, value: tuple[Any, str]) -> str:
    body, kind = value
    return _checked(*server.call("POST", "/events", json.dumps(body).encode(), content_type=kind), good=202)


def _path(server: Server, value: tuple[str, str, bytes]) -> str:
    method, path, body = value
    status, answer = server.call(method, quote(path, safe="/%?:.,-_~!$&'()*+;=@"), body)
    assert status < 500 or status in (501,), (status, answer)
    if status >= 400 and method != "HEAD":
        assert list(answer) == ["error"] and len(answer["error"].splitlines()) == 1
    return str(status)


def _grpc(server: Server, request: pb.ModelInferRequest) -> str:
    answer = server.stub.ModelInfer.future(request, timeout=10)
    assert answer.code() in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), answer.details()
    assert answer.code() is grpc.StatusCode.OK or answer.details()
    return str(answer.code().name)


def _grpc_request(name: str, datatype: str, typed: dict[str, Any], raw: list[bytes]) -> pb.ModelInferRequest:
    request = grpc_request(name, datatype, **typed)
    request.raw_input_contents.extend(raw)
    return request


def _sound_grpc_request(user_id: bytes, name: str, outputs: list[str]) -> pb.ModelInferRequest:
    """Right but for what is given."""
    request = grpc_request("user_id", "BYTES", bytes_contents=[user_id])
    request.inputs.add(name=name, datatype="BYTES", shape=[0])
    for output in outputs:
        request.outputs.add(name=output)
    return request


def _checked(status: int, answer: Any, good: int = 200) -> str:
    assert status in (good, 400), (status, answer)
    if status == 400:
        assert (
            "error" in answer
            and answer.keys() <= {"error", "refused", "errors"}
            and isinstance(answer["error"], str)
            and answer["error"]
        )
    return str(status)


ENDPOINTS = {
    "JSON": Door(bodies, _json),
    "binary": Door(st.tuples(st.binary(max_size=200), heads) | st.builds(_framed, tails, st.integers(-1, 1)), _binary),
    "bytes as JSON": Door(st.binary(max_size=200), _text),
    "events": Door(st.tuples(events | st.lists(events, max_size=3) | anything, kinds), _event),
    "paths": Door(st.tuples(methods, paths, st.binary(max_size=20)), _path),
    "gRPC": Door(
        st.builds(
            _grpc_request,
            input_names,
            datatypes,
            contents,
            raw_inputs,
        )
        | st.builds(_sound_grpc_request, st.binary(max_size=9), input_names, st.lists(output_names, max_size=2)),
        _grpc,
    ),
}


def fuzz(server: Server, endpoint: str, requests: int, number: int | None = None) -> Counter[str]:
    """Sends at least `requests`; how often each status came. Raises AssertionError on one that is wrong.

    number: the same ones each time for the same number; None: others each time, and first what failed before.
    """
    came: Counter[str] = Counter()
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    options = settings(max_examples=requests, deadline=None, suppress_health_check=checks)

    @(options if number is None else settings(options, database=None))
    @given(value=ENDPOINTS[endpoint].values)
    def once(value: Any) -> None:
        came[ENDPOINTS[endpoint].send(server, value)] += 1

    (once if number is None else seed(number)(once))()
    server.process.check_alive()
    return came
