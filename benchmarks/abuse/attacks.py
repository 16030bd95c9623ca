"""What an attacker sends, from an address of its own, as a process of its own.

An attack is a coroutine that is started again and again until the time is over; each returns the status that came, or
what came in its place.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import grpc
import uvloop
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from model.serving.http.events import BATCH

INFER = "/v2/models/aisle/infer"
ADDRESS = "127.0.0.3"
PATIENCE_S = 5.0
STALLED, IDLE, FLOOD = 300, 2000, 64
"""Connections that an attack holds at a time."""
MEGABYTE = 1 << 20

Port = int
Attack = Callable[[Port, int], Awaitable[str]]
"""(port, number of the try) -> the status."""


def request(path: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {content_type}", *headers]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def _tensor(name: str, datatype: str, *data: object) -> dict[str, object]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)}


def _events(count: int, size: int) -> bytes:
    data = {"item_id": "x" * size, "event_time": "2017-12-05T00:00:00Z"}
    about = {"specversion": "1.0", "type": "aisle.purchase", "source": "attack"}
    events = [about | {"id": str(n), "data": data | {"user_id": f"flood-{n}"}} for n in range(count)]
    return json.dumps(events, separators=(",", ":")).encode()


ASK = request(INFER, json.dumps({"inputs": [_tensor("user_id", "BYTES", "1")]}).encode())
_INPUTS = {count: json.dumps({"inputs": [_tensor("x", "BYTES", "1")] * count}).encode() for count in (14_000, 70_000)}
_NUMBERS = json.dumps({"inputs": [_tensor("user_id", "BYTES", *[1] * 300_000)]}).encode()
_BATCHES = [_events(5_500, 8), _events(20_000, 8)]


async def _sent(port: Port, *parts: bytes, wait_s: float = PATIENCE_S, pause_s: float = 0.0) -> str:
    """The status of what is sent in parts; `closed` or `nothing` where none comes."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
    except OSError:
        return "closed"
    try:
        with suppress(OSError):
            for part in parts:
                writer.write(part)
                await asyncio.wait_for(writer.drain(), wait_s)
                await asyncio.sleep(pause_s)
        line = await asyncio.wait_for(reader.readline(), wait_s)
        return line.split(b" ")[1].decode() if line.startswith(b"HTTP/1.1 ") else "closed"
    except (OSError, TimeoutError) as error:
        return "nothing" if isinstance(error, TimeoutError) else "closed"
    finally:
        writer.transport.abort()


async def stalled_bodies(port: Port, number: int) -> str:
    return await _sent(port, request(INFER, b" " * (MEGABYTE - 10), f"Content-Length: {MEGABYTE}"), wait_s=60)


async def slow_headers(port: Port, number: int) -> str:
    return await _sent(port, f"POST {INFER} HTTP/1.1\r\n".encode(), *[b"X-A: 1\r\n"] * 60, pause_s=0.5)


async def idle_connections(port: Port, number: int) -> str:
    return await _sent(port, b"", wait_s=60)


async def chunked_800_mb(port: Port, number: int) -> str:
    path = (INFER, "/events", "/v1/models/aisle:predict", "/nope")[number % 4]
    block = b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
    return await _sent(port, request(path, b"", "Transfer-Encoding: chunked"), *[block] * 800)


async def many_inputs(port: Port, number: int) -> str:
    return await _sent(port, request(INFER, (_INPUTS[14_000], _INPUTS[70_000], _NUMBERS)[number % 3]))


async def event_batches(port: Port, number: int) -> str:
    return await _sent(port, request("/events", _BATCHES[number % 2], content_type=BATCH), wait_s=30)


async def flood(port: Port, number: int) -> str:
    """Right requests, one after the other on each connection, as fast as answers come, half a second long."""
    came, end = Counter[str](), time.monotonic() + 0.5
    with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
        try:
            while time.monotonic() < end:
                writer.write(ASK)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                came[head[9:12].decode()] += 1
        finally:
            writer.transport.abort()
    return json.dumps(came)


async def not_http(port: Port, number: int) -> str:
    return await _sent(port, b"\x16\x03\x01\x02\x00\x01\x00 hello\r\n\r\n")


async def grpc_inputs(port: Port, number: int) -> str:
    message = pb.ModelInferRequest(model_name="aisle")
    for _ in range((10_000, 180_000)[number % 2]):
        message.inputs.add(name="zz", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"1")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        try:
            await call(message, timeout=PATIENCE_S)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return "OK"


ATTACKS: dict[str, tuple[Attack, int]] = {
    "stalled bodies": (stalled_bodies, STALLED),
    "slow headers": (slow_headers, STALLED),
    "idle connections": (idle_connections, IDLE),
    "800 MB in chunks": (chunked_800_mb, 4),
    "70,000 inputs": (many_inputs, 2),
    "event batches": (event_batches, 2),
    "flood of requests": (flood, FLOOD),
    "not HTTP": (not_http, 8),
    "gRPC, 180,000 inputs": (grpc_inputs, 1),
}
"""{name: (what is sent, how many at a time)}"""


def main(name: str, port: str, seconds: str) -> dict[str, int]:
    """Attacks for so long; answers by status."""
    attack, at_once = ATTACKS[name]
    came: Counter[str] = Counter()
    numbers = itertools.count()

    async def repeated(end: float) -> None:
        while time.monotonic() < end:
            status = await attack(int(port), next(numbers))
            for what, count in json.loads(status).items() if status.startswith("{") else ((status, 1),):
                came[what] += count

    async def all_of_them() -> None:
        end = time.monotonic() + float(seconds)
        tasks = [asyncio.create_task(repeated(end)) for _ in range(at_once)]
        _, late = await asyncio.wait(tasks, timeout=float(seconds) + 1)
        came["held to the end"] += len(late)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    uvloop.run(all_of_them())
    return dict(+came)
