"""An HTTP/1.1 connection that starts the application only for a whole request that was admitted.

uvicorn starts it at the headers and leaves the body, its size and its time to the application. Here nothing runs for a
request until its last byte is there, so a client that stalls costs a connection and the bytes that it sent. What may
not come in is answered from here, without a task and without the application.

It depends on uvicorn's HttpToolsProtocol and must be reviewed when uvicorn is upgraded (tests/model/serving/admission).
"""

import json
import time
from collections.abc import Iterable
from enum import Enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from model.serving.admission.gate import ARRIVAL, CLIENT, Cause, Gate, Kind
from model.serving.telemetry import metrics

FREE = 16 << 10
"""Bytes of a body that count towards no limit but that of the connections."""
MAX_HEADERS, MAX_PIPELINED = 100, 8
DISCARDED = 64 << 10
"""Bytes of a refused client that are read, so that it gets to its answer."""
PAUSE_S = 0.05
"""After a request was shed for want of a place, the next one of its connection is read so much later where there are
other clients: one that does not wait a second, as the answer asks, costs them no more."""
LINGER_S = 1.0
"""Time for a refused client to read its answer."""


class Stage(Enum):
    """What a connection is waiting for.

    Example:
        >>> Stage.BODY.name
        'BODY'
    """

    IDLE = 0
    """The next request, or the answer to the last one."""
    HEADERS = 1
    BODY = 2
    REFUSED = 3
    """The end."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection behind a gate."""

    def __init__(self, *args: Any, gate: Gate, **named: Any) -> None:
        super().__init__(*args, **named)
        self.peer = ""
        self._gate = gate
        self._stage, self._since = Stage.IDLE, time.perf_counter()
        self._received = 0
        """Bytes of the present message, headers and framing included."""
        self._held: RequestResponseCycle | None = None
        """The request whose turn it is and whose body is still to come."""
        self._wasted = True
        """Whether it brought no whole request so far."""
        self._charged: tuple[str, int] | None = None
        """Client and bytes of the message that is being received."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._gate.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gate.closed(self)
        if self._wasted:
            self._gate.wasted(self.peer)
        self._release(self._charged)
        for cycle, _ in self.pipeline:
            self._release(getattr(cycle, "charged", None))
        self._charged = None
        self.pipeline.clear()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self._held is not None:
            self.transport.close()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        if self._stage is Stage.REFUSED:
            self._received += len(data)
            if self._received > DISCARDED:
                self.flow.pause_reading()
            return
        super().data_received(data)
        self._received += len(data)
        if self._stage is Stage.HEADERS:
            if self._received > self._gate.limits.max_header_kb << 10:
                self._refuse(431, Cause.HEADER_SIZE, f"headers: expected at most {self._gate.limits.max_header_kb} KiB")
        elif self._stage is Stage.BODY:
            self._await_body()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._stage is not Stage.REFUSED:
            self._stage, self._since, self._received = Stage.HEADERS, time.perf_counter(), 0

    def on_headers_complete(self) -> None:
        if self._stage is Stage.REFUSED:
            return
        if len(self.headers) > MAX_HEADERS:
            self._refuse(431, Cause.HEADER_SIZE, f"headers: expected at most {MAX_HEADERS}, got {len(self.headers)}")
            return
        self._stage, self._since = Stage.BODY, time.perf_counter()
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self._refuse(503, Cause.CONNECTIONS, f"expected at most {MAX_PIPELINED} requests before an answer")
            return
        declared = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        if declared > self._gate.max_body:
            self._refuse_size()
        elif declared > FREE and not self._charge(declared - FREE):
            self._refuse_buffer()

    def on_body(self, body: bytes) -> None:
        if self._stage is Stage.REFUSED:
            return
        self.cycle.body += body
        size = len(self.cycle.body)
        if size > self._gate.max_body:
            self._refuse_size()
        elif size > FREE and not self._charge(size - FREE):
            self._refuse_buffer()

    def on_message_complete(self) -> None:
        if self._stage is Stage.REFUSED:
            return
        cycle: Any = self.cycle
        self._stage, self._since = Stage.IDLE, time.perf_counter()
        cycle.more_body, cycle.arrival = False, self._since
        cycle.charged, self._charged = self._charged, None
        if cycle is self._held:
            self._held = None
            self._admit(cycle)

    def send_400_response(self, msg: str) -> None:
        if self._stage is not Stage.REFUSED:
            self._refuse(400, Cause.NOT_HTTP, "expected HTTP/1.1")

    def idle_since(self) -> float | None:
        waits_for_us = self._stage is Stage.IDLE and self.cycle is not None and not self.cycle.response_complete
        return None if waits_for_us else self._since

    def check_time(self, now: float) -> None:
        limits, waited_s = self._gate.limits, now - self._since
        if self._stage is Stage.HEADERS and waited_s > limits.header_s:
            self._refuse(408, Cause.HEADER_TIME, f"headers: expected all of them within {limits.header_s:g} s")
        elif self._stage is Stage.BODY and waited_s > limits.body_s:
            self._refuse(408, Cause.BODY_TIME, f"body: expected all of it within {limits.body_s:g} s")
        elif self._stage is Stage.REFUSED and waited_s > LINGER_S:
            self.transport.abort()
        elif (self.flow.write_paused or self.transport.is_closing()) and waited_s > limits.body_s:
            self.transport.abort()  # it does not read its answers
        elif self.cycle is None and waited_s > limits.header_s:
            self.transport.close()

    def evict(self) -> None:
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """It is the turn of this request: uvicorn calls it at the headers, or after the answer to the one before."""
        if cycle.more_body:
            self._held = cycle
        else:
            self._admit(cycle)

    def _await_body(self) -> None:
        """The headers are there, and the body is not."""
        if self._received > FREE + 2 * self._gate.max_body:
            self._refuse_size()
        elif self.expect_100_continue and self._held is self.cycle:
            self.expect_100_continue = self.cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _admit(self, cycle: Any) -> None:
        self._wasted = False
        kind, client = Kind.of(cycle.scope["path"]), self._client(cycle.scope["headers"])
        if not self._gate.enter(kind, client):
            self._release(cycle.charged)
            self._write(503, self._gate.overloaded(kind), cycle.keep_alive)
            cycle.response_complete = True
            if not cycle.keep_alive:
                self.transport.close()
            self.on_response_complete()
            if self._gate.shared and not self.transport.is_closing():
                self.flow.pause_reading()
                self.loop.call_later(PAUSE_S, self._read_on)
            return
        cycle.message_event.set()
        task = self.loop.create_task(self._answer(cycle, kind, client))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _read_on(self) -> None:
        if self._stage is not Stage.REFUSED and not self.transport.is_closing():
            self.flow.resume_reading()

    async def _answer(self, cycle: Any, kind: Kind, client: str) -> None:
        ARRIVAL.set(cycle.arrival)
        CLIENT.set(client)
        try:
            await cycle.run_asgi(self.app)
        finally:
            self._gate.leave(kind, client)
            self._release(cycle.charged)

    def _client(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The name that the proxy gives, else the address."""
        if (wanted := self._gate.client_header) is not None:
            for name, value in headers:
                if name == wanted:
                    return value.decode("latin-1")
        return self.peer

    def _charge(self, size: int) -> bool:
        """Whether the buffer takes `size` bytes of the message that is being received."""
        client, before = self._charged or (self._client(self.headers), 0)
        if size <= before:
            return True
        if not self._gate.buffer.take(client, size - before):
            return False
        self._charged = client, size
        return True

    def _release(self, charged: tuple[str, int] | None) -> None:
        if charged is not None:
            self._gate.buffer.give_back(*charged)

    def _refuse_buffer(self) -> None:
        self._refuse(503, Cause.BUFFER, "overloaded: too many bodies are being received; come back in a second")

    def _refuse_size(self) -> None:
        expected = f"body: expected at most {self._gate.max_body:,} bytes, got more; send fewer items"
        self._refuse(413, Cause.BODY_SIZE, expected)

    def _refuse(self, status: int, cause: Cause, message: str) -> None:
        """Answers and ends the connection. Where an answer before this one is due, it just ends."""
        metrics.of(metrics.REFUSED, cause).inc()
        self._gate.wasted(self.peer)
        self._wasted = False  # counted
        due = self.cycle is not None and not self.cycle.response_complete and self.cycle is not self._held
        self._stage, self._since, self._received = Stage.REFUSED, time.perf_counter(), 0
        self._release(self._charged)
        self._charged = None
        if self._held is not None:
            self._held.response_complete, self._held.body = True, bytearray()
            self._held = None
        if due or self.pipeline:
            self.transport.close()
            return
        self._write(status, message, keep_alive=False)
        try:
            self.transport.write_eof()  # the client gets its answer though it may still be sending
        except (OSError, NotImplementedError):
            self.transport.abort()

    def _write(self, status: int, message: str, keep_alive: bool) -> None:
        content = json.dumps({"error": message}).encode()
        head = [STATUS_LINE[status], b"content-type: application/json\r\n"]
        head.append(b"content-length: %d\r\n" % len(content))
        if status == 503:
            head.append(b"retry-after: 1\r\n")
        if not keep_alive:
            head.append(b"connection: close\r\n")
        self.transport.write(b"".join([*head, b"\r\n", content]))
