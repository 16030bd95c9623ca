"""A real Envoy before two tiny servers, and a client."""

import http.client
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.rollout.local.envoy_process import Proxy
from components.rollout.local.envoy_process import proxy as envoy_proxy
from components.rollout.local.processes import Backend, Process, free_port, get, running, wait_ready

SHOPPERS = [f"shopper-{n}" for n in range(1000)]


@dataclass(frozen=True)
class World:
    proxy: Proxy
    canary: Process
    canary_port: int

    def ask(self, path: str = "/v2/models/aisle/infer", **headers: str) -> tuple[int, str, str]:
        """(status, body, the side that answered by the header) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, b"{}", named)
        response = connection.getresponse()
        answer = response.status, response.read().decode(), response.getheader("x-aisle-version", "")
        connection.close()
        return answer

    def seen_by_canary(self) -> Counter[str]:
        """How many requests came to its server: `shadow` or `split`."""
        return Counter(json.loads(get(self.canary_port, "/seen")[1]))

    def canary_shoppers(self) -> set[str]:
        answers = {shopper: self.ask(x_user_id=shopper) for shopper in SHOPPERS}
        assert all(status == 200 and body == header for status, body, header in answers.values())
        return {shopper for shopper, answer in answers.items() if answer[2] == "canary"}


@contextmanager
def world_of(workdir: Path, *canary: str) -> Iterator[World]:
    """`canary`: more arguments for its server."""
    with ExitStack() as stack:
        backends, processes = [], []
        for name in ("stable", "canary"):
            backend = Backend(http_port=free_port(), grpc_port=free_port())
            ports = [str(backend.http_port), str(backend.grpc_port)]
            more = canary if name == "canary" else ()
            command = [sys.executable, "-m", "tests.components.rollout.backend", name, *ports, *more]
            processes.append(stack.enter_context(running(name, command, workdir / f"{name}.log")))
            backends.append(backend)
        for process, backend in zip(processes, backends, strict=True):
            wait_ready(process, backend)
        yield World(
            stack.enter_context(envoy_proxy(backends[0], backends[1], workdir)), processes[1], backends[1].http_port
        )
