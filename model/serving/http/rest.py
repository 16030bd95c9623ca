"""KServe's REST server with our application and our connections in the place of its own."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

from model.serving.admission.connection import Connection
from model.serving.admission.gate import Gate
from model.serving.http.application import Application

MakeApplication = Callable[[DataPlane, ModelRepositoryExtension], Application]


class RestServer(RESTServer):
    """uvicorn, as KServe runs it, behind a gate."""

    def __init__(
        self, *args: Any, gate: Gate, host: str, application: MakeApplication, ports: Sequence[int] = (), **named: Any
    ) -> None:
        """`ports`: further ones, at which the same application answers."""
        super().__init__(*args, **named)
        self._ports = ports
        self._gate = gate
        self.config.host = host
        self.config.http = partial(Connection, gate=gate)
        self.config.ws, self.config.lifespan = "none", "off"
        self.config.app = application(self.dataplane, self.model_repository_extension)

    def create_application(self) -> None:
        """As it is: KServe's own, with its v1 routes, is not made."""

    async def start(self) -> None:
        """Serves until a signal."""
        watch = asyncio.create_task(self._check_times())
        try:
            await self._server.serve(self._sockets() if self._ports else None)
        finally:
            watch.cancel()

    def _sockets(self) -> list[socket.socket]:
        sockets = []
        for port in (self.config.port, *self._ports):
            sockets.append(socket.socket())
            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sockets[-1].bind((self.config.host, port))
        return sockets

    async def _check_times(self) -> None:
        while True:
            await asyncio.sleep(self._gate.interval_s)
            self._gate.check_times()
