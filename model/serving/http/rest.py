"""KServe's REST server with our application, our connections and our way of accepting them in the place of its own."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import uvicorn
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

from model.errors import StageFailed
from model.serving.admission.address_filter import AddressFilter
from model.serving.admission.connection import Connection
from model.serving.admission.gate import Gate
from model.serving.http.application import Application

MakeApplication = Callable[[DataPlane, ModelRepositoryExtension], Application]
Accepts = Callable[[str], bool]
"""Whether to accept a connection of this address."""
ACCEPTED, OPENED = 64, 8
"""Connections taken in a turn of the loop, and of them those that are not refused: each costs some 0.2 ms, for which
all requests wait. libuv takes one: in a server with much to do others wait for seconds, unseen, before they can be
refused."""
RECEIVED = 64 << 10
"""Bytes that the kernel takes of one connection before they are read: what a refused client sends stays with it."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose end is a reset: nothing of it stays in the kernel."""
PAUSE_S = 0.1
"""Without a free file descriptor."""
DROPPED_S = 1.0
"""Time for which the kernel drops the new connections of an address after one of them was refused."""


class RestServer(RESTServer):
    """uvicorn, as KServe runs it, behind a gate."""

    def __init__(
        self, *args: Any, gate: Gate, host: str, application: MakeApplication, ports: Sequence[int] = (), **named: Any
    ) -> None:
        """`ports`: further ones, at which the same application answers."""
        super().__init__(*args, **named)
        self._gate = gate
        self.config.host = host
        self.config.http = partial(Connection, gate=gate)
        self.config.ws, self.config.lifespan = "none", "off"
        self.config.app = application(self.dataplane, self.model_repository_extension)
        self._server = Server(self.config, (self.config.port, *ports), gate.accepts)

    def create_application(self) -> None:
        """As it is: KServe's own, with its v1 routes, is not made."""

    async def start(self) -> None:
        """Serves until a signal."""
        watch = asyncio.create_task(self._check_times())
        try:
            await self._server.serve()
        finally:
            watch.cancel()

    async def _check_times(self) -> None:
        while True:
            await asyncio.sleep(self._gate.interval_s)
            self._gate.check_times()


class Server(uvicorn.Server):
    """uvicorn's server, listening at several ports."""

    def __init__(self, config: uvicorn.Config, ports: Sequence[int], accepts: Accepts) -> None:
        super().__init__(config)
        self._ports, self._accepts = ports, accepts

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens. Raises StageFailed where a port is taken."""
        await self.lifespan.startup()
        kind: Any = self.config.http_protocol_class
        connect = partial(
            kind,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        self.servers: list[Any] = []
        for port in self._ports:
            try:
                self.servers.append(Listener(self.config.host, port, connect, self._accepts))
            except OSError as error:
                raise StageFailed(f"port {port}: cannot be listened at ({error})") from None
        self.started = True


class Listener:
    """A port at which connections are accepted, as many at a time as there are.

    Example:
        >>> async def opened_and_closed():
        ...     listener = Listener("127.0.0.1", 0, asyncio.Protocol)
        ...     listener.close()
        ...     await listener.wait_closed()
        >>> asyncio.run(opened_and_closed())
    """

    def __init__(
        self,
        host: str,
        port: int,
        connect: Callable[[], asyncio.BaseProtocol],
        accepts: Accepts = lambda _: True,
    ) -> None:
        self._connect, self._accepts, self._loop = connect, accepts, asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
        self._socket.bind((host, port))
        self._socket.listen(2048)
        self._socket.setblocking(False)
        self._dropped = AddressFilter(self._socket)
        self._listen()

    def close(self) -> None:
        """Accepts no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    async def wait_closed(self) -> None:
        """Returns at once."""

    def _listen(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        opened = 0
        for _ in range(ACCEPTED):
            if opened == OPENED:
                return
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._socket)
                self._loop.call_later(PAUSE_S, self._listen)
                return
            if not self._accepts(address[0]):
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                accepted.close()
                if self._dropped.add(address[0]):
                    self._loop.call_later(DROPPED_S, self._dropped.remove, address[0])
                continue
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._connect, accepted))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
            opened += 1
