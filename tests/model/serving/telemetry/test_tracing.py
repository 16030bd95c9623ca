"""Trace spans: what hangs under what, through both protocols, and to a collector's endpoint."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import kserve
import pytest
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferInput
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from components.rollout.local.processes import free_port
from model.package import loaded_model as package
from model.serving.predictor import Predictor
from model.serving.server import stage_took
from model.serving.telemetry import tracing
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import exported
from tests.model.serving.history.fake_store import FakeStore
from tests.model.serving.live_server import grpc_request, live_server, tensor
from tests.model.small_catalog import ITEMS
from tfx_configs.rerank import RerankSettings

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
NOT_SAMPLED = CALLER[:-1] + "0"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A real exported model on a store that knows one shopper."""
    root = tmp_path_factory.mktemp("traced")
    directory = exported(root / "model", write_items(root, list(ITEMS)), RerankSettings())
    store = FakeStore(items={"u1": ["b"]})
    predictor = Predictor(lambda: package.load(directory, on_stage=stage_took), store)
    predictor.load()
    yield predictor
    predictor.close()


@contextmanager
def spans() -> Iterator[InMemorySpanExporter]:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    try:
        yield exporter
    finally:
        tracing.use(None)


def _ask(predictor: Predictor, *users: str, **headers: str) -> None:
    """All at once, so that they may share a batch."""

    async def ask() -> None:
        await asyncio.gather(*(predictor.predict(_request(user), headers) for user in users))

    asyncio.run(ask())


def _request(user: str) -> kserve.InferRequest:
    inputs = [InferInput("user_id", [1], "BYTES", data=[user])]
    return kserve.InferRequest("aisle", inputs, request_id=f"r-{user}", parameters={"deadline_ms": 5000})


def _children(finished: tuple[ReadableSpan, ...], parent: ReadableSpan) -> list[ReadableSpan]:
    """In the order in which they ended."""
    assert parent.context is not None
    return [span for span in finished if span.parent is not None and span.parent.span_id == parent.context.span_id]


def test_the_stages_hang_under_their_request_and_that_under_the_callers_span(predictor: Predictor) -> None:
    with spans() as exporter:
        _ask(predictor, "u1", traceparent=CALLER)
    finished = exporter.get_finished_spans()
    (request,) = [span for span in finished if span.name == "request"]
    assert request.context is not None and request.parent is not None and request.attributes is not None
    assert (request.context.trace_id, request.parent.span_id) == (TRACE, SPAN)
    assert request.attributes["aisle.rung"] == "full"
    assert request.attributes["aisle.request_id"] == "r-u1"
    stages = _children(finished, request)
    assert [span.name for span in stages] == ["state", "queue", "retrieve", "rank", "rerank"]
    assert all(span.start_time is not None and span.end_time is not None for span in stages)
    assert all((span.start_time or 0) <= (span.end_time or 0) for span in stages)


def test_every_request_of_a_batch_has_its_own_stages(predictor: Predictor) -> None:
    with spans() as exporter:
        _ask(predictor, *(f"u{n}" for n in range(6)))
    finished = exporter.get_finished_spans()
    requests = [span for span in finished if span.name == "request"]
    assert len({span.context.trace_id for span in requests if span.context}) == 6
    for request in requests:
        names = {span.name for span in _children(finished, request)}
        assert names == {"state", "queue", "retrieve", "rank", "rerank"}


def test_a_caller_that_is_not_sampled_leaves_no_span(predictor: Predictor) -> None:
    with spans() as exporter:
        _ask(predictor, "u1", traceparent=NOT_SAMPLED)
    assert exporter.get_finished_spans() == ()


def test_a_refused_request_ends_its_span_with_the_reason(predictor: Predictor) -> None:
    with spans() as exporter, pytest.raises(InvalidInput):
        _ask(predictor, "")
    (request,) = exporter.get_finished_spans()
    assert not request.status.is_ok
    assert "user_id" in str(request.status.description)


def test_without_a_collector_nothing_is_traced(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    with tracing.exporting(), tracing.request({"traceparent": CALLER}) as span:
        assert not span.is_recording()
        assert tracing.parent() is None


class Collector(HTTPServer):
    """Takes what OTLP/HTTP exporters post."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Door)
        self.spans: list[tuple[str, bytes, bytes]] = []
        """(name, trace id, parent's span id)"""


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector) and self.path == "/v1/traces"
        body = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        self.server.spans += [
            (span.name, span.trace_id, span.parent_span_id)
            for resource in body.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


def test_a_servers_spans_reach_the_collector_through_rest_and_grpc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        with live_server(tmp_path, "v1", items=["a"]) as server:
            body = b'{"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["u"]}]}'
            server.call("POST", "/v2/models/aisle/infer", body, content_type="application/json", traceparent=CALLER)
            request = grpc_request("user_id", "BYTES", bytes_contents=[b"u"])
            server.stub.ModelInfer(request, timeout=10, metadata=[("traceparent", CALLER.replace("7ad6", "7ad7"))])
            server.infer(tensor("user_id", "u"))
        collector.shutdown()
    ours = [(name, parent.hex()) for name, trace_id, parent in collector.spans if int.from_bytes(trace_id) == TRACE]
    assert [parent for name, parent in ours if name == "request"] == ["b7ad6b7169203331", "b7ad7b7169203331"]
    assert sorted(name for name, _, _ in collector.spans) == ["queue"] * 3 + ["request"] * 3 + ["state"] * 3
