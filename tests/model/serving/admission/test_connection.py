"""Clients that do whatever they like leave nothing behind: no place, no byte and no connection stays taken."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from model.serving.admission.connection import PAUSE_S, Connection
from model.serving.admission.gate import Gate
from model.serving.admission.limits import Limits

BODY = b'{"inputs": []}'


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


GOOD = post(b"/v2/models/aisle/infer", BODY)
CHUNKED = b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SENT = [
    GOOD,
    GOOD * 3,
    GOOD * 20,
    GOOD[:-3],
    GOOD[:30],
    post(b"/events", b"x" * 40_000),
    post(b"/events", b"x" * 40_000)[:30_000],
    post(b"/events", b"x" * 40_000) * 3,
    GOOD + post(b"/events", b"x" * 40_000)[:-9],
    post(b"/events", b"x" * 300_000),
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\r\nhel",
    CHUNKED + b"zz\r\nhello",
    CHUNKED + b"5\r\nhello\r\n0\r\nTrailer: " + b"y" * 5000,
    GOOD + CHUNKED + b"ffffffff\r\n" + b"x" * 30_000,
    post(b"/x", b"", b"Connection: Upgrade", b"Upgrade: websocket") + GOOD,
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD,
    b"GET http://[ HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"\x00\x01\x02" * 100,
    GOOD.replace(b"Content-Length: 14", b"Content-Length: 14\r\nContent-Length: 15"),
    GOOD.replace(b"Host: x", b"Host: " + b"x" * 30_000),
]


async def _application(scope: Any, receive: Any, send: Any) -> None:
    """Answers after a while with the length of the body, or fails."""
    body = (await receive())["body"]
    await asyncio.sleep(0.002)
    if len(body) % 7 == 3:
        raise RuntimeError("on purpose")
    content = b"x" * len(body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def _listening(gate: Gate) -> AsyncIterator[int]:
    """Connections behind the gate; yields their port."""
    config = uvicorn.Config(_application, ws="none", lifespan="off", log_config=None)
    config.load()
    kind: Any = partial(Connection, gate=gate)
    make = partial(kind, config=config, server_state=ServerState(), app_state={})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _served(gate: Gate, clients: list[bytes], chance: random.Random) -> None:
    async with _listening(gate) as port:
        await asyncio.gather(*(_client(port, data, random.Random(chance.random())) for data in clients))
        for _ in range(100):
            gate.check_times()
            await asyncio.sleep(0.05)
            if not gate.connections and not any(share.used for share in (*gate.slots.values(), gate.buffer)):
                break


async def _client(port: int, data: bytes, chance: random.Random) -> None:
    """Sends it in pieces; sometimes reads what comes, sometimes goes away in the middle."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        stop = chance.choice([len(data), len(data), chance.randrange(len(data) + 1)])
        for at in range(0, stop, 7000):
            writer.write(data[at : min(at + 7000, stop)])
            await writer.drain()
            await asyncio.sleep(chance.choice([0, 0, 0.003]))
        if chance.random() < 0.7:
            await asyncio.wait_for(reader.read(100_000), chance.choice([0.01, 1.0]))
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("others", [False, True])
def test_a_connection_whose_request_was_shed_is_read_on_a_moment_later_where_there_are_other_clients(
    others: bool,
) -> None:
    async def seconds_of_ten() -> float:
        gate = Gate(Limits())
        gate.enter = lambda kind, client: False  # type: ignore[method-assign]
        async with _listening(gate) as port:
            addresses = ["127.0.0.2"] * others + ["127.0.0.1"]
            opened = [await asyncio.open_connection("127.0.0.1", port, local_addr=(each, 0)) for each in addresses]
            reader, writer = opened[-1]
            begin = time.perf_counter()
            for _ in range(10):
                writer.write(GOOD)
                assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 503")
            seconds = time.perf_counter() - begin
            for _, each_writer in opened:
                each_writer.close()
            return seconds

    assert (asyncio.run(seconds_of_ten()) >= 9 * PAUSE_S) is others


@pytest.mark.parametrize("seed", range(3))
def test_what_clients_do_leaves_no_place_no_byte_and_no_connection_taken(seed: int) -> None:
    chance = random.Random(seed)
    limits = Limits(
        max_in_flight=8, max_body_kb=128, max_buffer_mb=1, max_connections=64, header_s=0.5, body_s=0.5, max_header_kb=8
    )
    gate = Gate(limits)
    asyncio.run(_served(gate, chance.choices(SENT, k=300), chance))
    assert gate.connections == set()
    assert {kind: share.used for kind, share in gate.slots.items() if share.used} == {}
    assert (gate.buffer.used, dict(gate.buffer._of_client)) == (0, {})
