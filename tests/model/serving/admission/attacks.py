"""What an attacker sends, over sockets of its own address, and what another client sees meanwhile."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from tests.model.serving.live_server import Server, tensor

INFER = "/v2/models/aisle/infer"
ATTACKER, VICTIM = "127.0.0.3", "127.0.0.2"
BODY = json.dumps({"inputs": [tensor("user_id", "ann")]}).encode()


def head(path: str, *headers: str) -> bytes:
    """Request line and headers of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connected(server: Server, address: str = ATTACKER) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10, source_address=(address, 0))


def answer(sock: socket.socket) -> int:
    """The status that comes until the server closes or pauses; 0 for none."""
    text = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in text and (part := sock.recv(65536)):
            text += part
    return int(text.split(b" ", 2)[1]) if text.startswith(b"HTTP/1.1 ") else 0


def sent(server: Server, *parts: bytes, pause_s: float = 0.0) -> int:
    """The status of one request that is sent in parts; 0 where the connection is not accepted."""
    try:
        sock = connected(server)
    except ConnectionResetError:
        return 0
    with sock:
        with suppress(OSError):
            for part in parts:
                sock.sendall(part)
                time.sleep(pause_s)
        return answer(sock)


def chunked(server: Server, path: str, megabytes: int) -> tuple[int, float]:
    """(status, megabytes that the server took) of a body without an end."""
    block = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    with connected(server) as sock:
        sock.settimeout(2)
        sock.sendall(head(path, "Transfer-Encoding: chunked"))
        taken = 0
        with suppress(OSError):
            for _ in range(megabytes):
                sock.sendall(block)
                taken += 1
        return answer(sock), taken


@contextmanager
def stalled(server: Server, count: int, size: int) -> Iterator[Sequence[socket.socket]]:
    """Uploads whose last bytes never come."""
    with ExitStack() as stack:
        socks = [stack.enter_context(connected(server)) for _ in range(count)]
        for sock in socks:
            with suppress(OSError):
                sock.sendall(head(INFER, f"Content-Length: {size}") + b" " * (size - 10))
        yield socks


@dataclass
class Victim:
    """Another client, which asks one request after the other."""

    server: Server
    address: str = VICTIM
    seconds: list[float] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    pause_s: float = 0.005

    @contextmanager
    def asking(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._ask, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def p99_ms(self) -> float:
        return 1e3 * sorted(self.seconds)[int(0.99 * len(self.seconds))]

    def _ask(self, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.port, timeout=30, source_address=(self.address, 0)
        )
        while not stop.is_set():
            begin = time.perf_counter()
            connection.request("POST", INFER, BODY, {"content-type": "application/json"})
            response = connection.getresponse()
            response.read()
            self.seconds.append(time.perf_counter() - begin)
            if response.status != 200:
                self.bad.append(response.status)
            time.sleep(self.pause_s)
        connection.close()


def rss_mb(server: Server) -> float:
    return float(psutil.Process(server.process.pid).memory_info().rss / 1e6)
