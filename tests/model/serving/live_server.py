"""Talks to a real KServe server process around the fake model: REST, gRPC, events."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from components.rollout.local.processes import REQUESTS, Process, model_server, wait_ready
from model.serving.http.events import BATCH
from tests.model.serving.fake_server import write_model

FAKE = "tests.model.serving.fake_server"


@dataclass(frozen=True)
class Server:
    process: Process
    port: int
    grpc_port: int
    stub: GRPCInferenceServiceStub
    log: Path

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def infer(self, *inputs: dict[str, Any], **rest: Any) -> tuple[int, Any]:
        body = json.dumps({"inputs": list(inputs), **rest}).encode()
        return self.call("POST", "/v2/models/aisle/infer", body, content_type="application/json")

    def events(self, value: Any, content_type: str = BATCH) -> tuple[int, Any]:
        return self.call("POST", "/events", json.dumps(value).encode(), content_type=content_type)


@contextmanager
def live_server(workdir: Path, version: str, options: Sequence[str] = (), **fields: object) -> Iterator[Server]:
    """A server that is ready, with further `options` and FakeModel's `fields`."""
    with opened(workdir, write_model(workdir / "model", version, **fields), FAKE, options) as server:
        yield server


@contextmanager
def opened(workdir: Path, model: Path, module: str, options: Sequence[str] = ()) -> Iterator[Server]:
    """A server of a model directory that is ready; `module` runs it."""
    with model_server("server", model, workdir, 100, module, options) as (process, backend):
        wait_ready(process, backend)
        with grpc.insecure_channel(f"127.0.0.1:{backend.grpc_port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            yield Server(process, backend.http_port, backend.grpc_port, stub, workdir / REQUESTS)


def tensor(name: str, *data: Any, datatype: str = "BYTES") -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)}


def event(event_id: str, user_id: str, item_id: str, event_time: str) -> dict[str, Any]:
    data = {"user_id": user_id, "item_id": item_id, "event_time": event_time}
    return {"specversion": "1.0", "type": "aisle.purchase", "source": "test", "id": event_id, "data": data}


def outputs(answer: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output["data"] for output in answer["outputs"]}


def grpc_request(name: str, datatype: str, **contents: Any) -> pb.ModelInferRequest:
    spec = {"name": name, "datatype": datatype, "shape": [1], "contents": contents}
    return pb.ModelInferRequest(model_name="aisle", id="g-1", inputs=[spec])
