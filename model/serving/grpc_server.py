"""The gRPC server: KServe's service, with inference behind the gate.

A unary call and one whose request is a stream of one message are the same on the wire. Inference is served as the
second, because its handler runs at the headers: a call can be turned away, or time out, before its message is read.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
from grpc import aio
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.infer_type import InferRequest
from kserve.utils.utils import to_headers

from model.serving.admission.gate import ARRIVAL, CLIENT, Cause, Gate, Kind
from model.serving.http.inference import LARGE, check_tensors
from model.serving.predictor import Overloaded
from model.serving.telemetry import metrics

SERVICE = "inference.GRPCInferenceService"
MAX_METADATA = 16 << 10
STREAMS = 100
"""Calls of one connection at a time."""
IDLE_MS = 300_000
"""A connection without a call for so long is closed; its client opens another with the next call."""
STATUSES = {InvalidInput: "INVALID_ARGUMENT", Overloaded: "UNAVAILABLE", ModelNotFound: "NOT_FOUND"}
"""In the metrics; any other error is "error"."""


class GrpcServer(GRPCServer):
    """KServe's gRPC server behind a gate, alone on its port."""

    def __init__(self, *args: Any, gate: Gate, host: str, **named: Any) -> None:
        super().__init__(*args, **named)
        self._gate, self._host = gate, host

    async def start(self, max_workers: int) -> None:
        """As GRPCServer.start."""
        servicer = GatedServicer(self._data_plane, self._model_repository_extension, self._gate)
        self._server = aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(ExceptionToStatusInterceptor(),),
            options=[
                ("grpc.max_receive_message_length", self._gate.max_body),
                ("grpc.max_metadata_size", MAX_METADATA),
                ("grpc.max_concurrent_streams", STREAMS),
                ("grpc.max_allowed_incoming_connections", self._gate.limits.max_connections),
                ("grpc.server_handshake_timeout_ms", round(1000 * self._gate.limits.header_s)),
                ("grpc.max_connection_idle_ms", IDLE_MS),
                ("grpc.so_reuseport", 0),
            ],
        )
        handlers = _Handlers()
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, handlers)
        handlers.of["ModelInfer"] = grpc.stream_unary_rpc_method_handler(
            servicer.infer, response_serializer=pb.ModelInferResponse.SerializeToString
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers.of),))
        self._server.add_registered_method_handlers(SERVICE, handlers.of)
        self._server.add_insecure_port(f"{self._host}:{self._port}")
        await self._server.start()
        await self._server.wait_for_termination()


class _Handlers:
    """Takes the place of a server where generated code adds its handlers."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, _: Sequence[Any]) -> None: ...

    def add_registered_method_handlers(self, _: str, handlers: dict[str, Any]) -> None:
        self.of = dict(handlers)


class GatedServicer(InferenceServicer):
    """KServe's service; `infer` takes the place of its ModelInfer."""

    def __init__(self, data_plane: DataPlane, repository: Any, gate: Gate) -> None:
        super().__init__(data_plane, repository)
        self._gate = gate
        self._parser: Executor = ThreadPoolExecutor(1, "parse-grpc")

    async def infer(self, messages: AsyncIterator[bytes], context: Any) -> pb.ModelInferResponse:
        """One answer to one message. What it raises becomes a status (ExceptionToStatusInterceptor)."""
        status = "error"
        try:
            answer = await self._infer(messages, context)
            status = "OK"
            return answer
        except Exception as error:
            status = next((name for kind, name in STATUSES.items() if isinstance(error, kind)), status)
            _clear_frames(error)
            raise
        finally:
            metrics.of(metrics.ANSWERS, "grpc", status).inc()

    async def _infer(self, messages: AsyncIterator[bytes], context: Any) -> pb.ModelInferResponse:
        headers = to_headers(context)
        client = self._client(context, headers)
        with self._gate.slot(Kind.CALL, client) as may_send:
            if not may_send:
                raise Overloaded(self._gate.overloaded(Kind.CALL))
            message = await self._message(messages, context)
        with self._gate.slot(Kind.ASK, client) as may_ask:
            if not may_ask:
                raise Overloaded(self._gate.overloaded(Kind.ASK))
            ARRIVAL.set(time.perf_counter())
            CLIENT.set(client)
            decode = partial(_decoded, message)
            if len(message) > LARGE:
                request = await asyncio.get_running_loop().run_in_executor(self._parser, decode)
            else:
                request = decode()
            response, _ = await self._data_plane.infer(request=request, headers=headers, model_name=request.model_name)
            return response.to_grpc()

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Any) -> pb.ModelMetadataResponse:
        """As KServe's, with the version."""
        metadata = await self._data_plane.model_metadata(model_name=request.name)
        return pb.ModelMetadataResponse(**metadata)

    async def _message(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        body_s = self._gate.limits.body_s
        try:
            async with asyncio.timeout(body_s):
                return await anext(aiter(messages))
        except TimeoutError:
            metrics.of(metrics.REFUSED, Cause.BODY_TIME).inc()
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"message: expected all of it within {body_s:g} s")
            raise
        except StopAsyncIteration:
            raise InvalidInput("message: expected one, got none") from None

    def _client(self, context: Any, headers: dict[str, str]) -> str:
        """The name that the proxy gives, else the address."""
        if (named := headers.get(self._gate.limits.client_header or "")) is not None:
            return named
        address = unquote(str(context.peer())).partition(":")[2].rpartition(":")[0]
        return address.strip("[]").removeprefix("::ffff:")


def _clear_frames(error: BaseException | None) -> None:
    """gRPC keeps the error of an aborted call in a reference cycle: its frames would hold the message until the next
    garbage collection, which counts no memory."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _decoded(message: bytes) -> InferRequest:
    """Raises InvalidInput on what is no request, or one with more tensors than there are."""
    try:
        request = pb.ModelInferRequest.FromString(message)
    except Exception as error:  # protobuf's DecodeError has no public home
        raise InvalidInput(f"message: expected a ModelInferRequest ({error!s:.80})") from None
    check_tensors(len(request.inputs), len(request.outputs))
    InferenceServicer.validate_grpc_request(request)
    return InferRequest.from_grpc(request)
