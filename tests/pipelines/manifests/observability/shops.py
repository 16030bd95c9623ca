"""Shops: a real model server each, a Redis, and clients who ask for recommendations and send purchases."""

import http.client
import itertools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from components.rollout.local.processes import Process, free_port, get, running, wait_until
from model.serving.http.events import BATCH
from tests.model.serving.fake_server import write_model
from tests.model.serving.history.redis_server import redis_server

SERVER = "tests.pipelines.manifests.observability.faulty_server"
PAUSE_S = 0.12
"""Between two requests of one client."""
MOST_CLIENTS = 12
MAX_IN_FLIGHT = 4
PATIENT_MS = 2000


@dataclass(kw_only=True)
class Shop:
    """What a fault may change of one server and of those who ask it."""

    name: str
    namespace: str
    process: Process
    port: int
    store: Process
    store_url: str
    model: Path
    requests: Path
    """Directory of its request log."""
    gateway: str
    """URL of the Pushgateway."""
    clients: int = 2
    patient: bool = False
    """Whether requests allow two seconds, and not what the server does by itself."""
    purchases_late_s: float | None = 1.0
    """How old purchases are when they come in; None: none come."""
    purchases_bad: bool = False
    """Whether bad ones and some of the future come too."""
    garbage: bool = False
    """Whether a client comes that does not speak HTTP."""
    closed: threading.Event = field(default_factory=threading.Event)

    def model_does(self, fault: str) -> None:
        """From now on, beside what it does already."""
        with (self.model / "faults").open("a") as out:
            out.write(f"{fault}\n")

    def open(self) -> None:
        """Clients come, until `closed` is set."""
        for number in range(MOST_CLIENTS):
            threading.Thread(target=self._ask, args=(number,), daemon=True).start()
        threading.Thread(target=self._buy, daemon=True).start()

    def _ask(self, number: int) -> None:
        while not self.closed.wait(PAUSE_S):
            if number < self.clients:
                body: dict[str, Any] = {
                    "inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["u"]}]
                }
                if self.patient and number % 2:
                    body["parameters"] = {"deadline_ms": PATIENT_MS}
                self._post("/v2/models/aisle/infer", body, "application/json")

    def _buy(self) -> None:
        for number in itertools.count():
            if self.closed.wait(0.3):
                return
            if self.purchases_late_s is not None:
                self.send(self.purchases_late_s, str(number), 30)
            if self.purchases_bad:
                self.send(-3600.0, f"ahead-{number}", 1)
                self._post("/events", [{}], BATCH)
            if self.garbage:
                with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                    client.sendall(b"hello\r\n\r\n")
                    client.recv(1000)

    def restore(self, age_s: float) -> None:
        """The store becomes a copy in which the shopper's last purchase is so old."""
        with redis.Redis.from_url(self.store_url) as client:
            client.flushall()
        self.send(age_s, "restored", 1)

    def send(self, age_s: float, name: str, count: int) -> None:
        """Purchases that were made so long ago."""
        then = datetime.now(UTC) - timedelta(seconds=age_s)
        data = {"user_id": "u", "item_id": "milk", "event_time": then.isoformat()}
        about = {"specversion": "1.0", "type": "aisle.purchase", "source": self.name, "data": data}
        self._post("/events", [about | {"id": f"{name}-{number}"} for number in range(count)], BATCH)

    def _post(self, path: str, body: Any, content_type: str) -> None:
        """The answer, or that there is none, is recorded in the server's metrics only."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("POST", path, json.dumps(body), {"content-type": content_type})
            connection.getresponse().read()
        connection.close()


@contextmanager
def shop(workdir: Path, name: str, gateway: str, canary_of: str = "") -> Iterator[Shop]:
    """A shop that is not open yet; its server may still be loading. It has a namespace of its own, or is a canary."""
    here, namespace = workdir / name, canary_of or name
    model, port = write_model(here / "model", "v2" if canary_of else "v1", items=list("abcdefghij")), free_port()
    with redis_server(here) as (store, url):
        command = [sys.executable, "-m", SERVER, "--host-loopback", "--model-dir", str(model), "--store", url]
        command += ["--http-port", str(port), "--grpc-port", str(free_port()), "--request-log", str(here / "requests")]
        command += ["--log-keep-mb", "100", "--max-in-flight", str(MAX_IN_FLIGHT)]
        with running(name, command, here / "server.log") as process:
            made = Shop(
                name=name,
                namespace=namespace,
                process=process,
                port=port,
                store=store,
                store_url=url,
                model=model,
                requests=here / "requests",
                gateway=gateway,
            )
            try:
                yield made
            finally:
                made.closed.set()
                with suppress(ProcessLookupError):
                    os.kill(store.pid, signal.SIGCONT)


@contextmanager
def pushgateway(workdir: Path) -> Iterator[str]:
    """URL of a Pushgateway that is ready and remembers nothing."""
    port = free_port()
    command = ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}"]
    command += [f"--persistence.file={workdir / 'kept'}"]  # Debian's would keep them for the machine
    with running("pushgateway", command, workdir / "pushgateway.log") as process:
        wait_until(lambda: get(port, "/-/ready")[0] == 200, process, "ready", 20)
        yield f"http://127.0.0.1:{port}"


def wait_open(closed: Shop, timeout_s: float = 120.0) -> None:
    """Opens the shop as soon as its server is ready."""
    path = "/v2/models/aisle/ready"
    wait_until(lambda: get(closed.port, path)[0] == 200, closed.process, "ready", timeout_s)
    closed.open()
