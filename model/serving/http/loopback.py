"""KServe's two servers, bound to 127.0.0.1.

KServe 0.21 listens on 0.0.0.0 and [::], with no option to change it: right in a container, wrong on a laptop. Its
ModelServer finds both server classes by name in its own module, so `bind_to_loopback` puts subclasses there.

Limits: it holds for the whole process and cannot be undone; one worker only (with more, KServe takes another path);
IPv4 only; and it must be looked at again when kserve is upgraded (tests/model/serving/test_server.py watches it).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve.model_server
from grpc import aio
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor, LoggingInterceptor
from kserve.protocol.grpc.server import GRPCServer
from kserve.protocol.grpc.servicer import InferenceServicer

from model.serving.http.rest import ShortWayServer

HOST = "127.0.0.1"


class LoopbackRestServer(ShortWayServer):
    """The REST server on loopback."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config.host = HOST


class LoopbackGrpcServer(GRPCServer):
    """KServe's gRPC server on loopback, and alone on its port."""

    async def start(self, max_workers: int) -> None:
        """As GRPCServer.start, except for the address and SO_REUSEPORT."""
        self._server = aio.server(
            ThreadPoolExecutor(max_workers=max_workers),
            interceptors=(LoggingInterceptor(), ExceptionToStatusInterceptor()),
            options=[
                ("grpc.max_send_message_length", self._kwargs.get("grpc_max_send_message_length")),
                ("grpc.max_receive_message_length", self._kwargs.get("grpc_max_receive_message_length")),
                ("grpc.so_reuseport", 0),
            ],
        )
        servicer = InferenceServicer(self._data_plane, self._model_repository_extension)
        grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        self._server.add_insecure_port(f"{HOST}:{self._port}")
        await self._server.start()
        await self._server.wait_for_termination()


def bind_to_loopback() -> None:
    """Makes every kserve.ModelServer of this process listen on 127.0.0.1 only; call it before start()."""
    kserve.model_server.RESTServer = LoopbackRestServer
    kserve.model_server.GRPCServer = LoopbackGrpcServer
