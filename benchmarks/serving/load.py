"""A lean open-loop HTTP client: requests leave at their drawn moments, whether the earlier ones are answered or not.

A latency counts from the moment drawn, so a server that falls behind cannot hide it by slowing the client down.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

PATIENCE_S = 5.0
"""Wait for the last answers; what is not there then is lost."""
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_RUNG = b'"rung":"'


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(kw_only=True)
class Load:
    """Answers of one run."""

    rps: float
    seconds: float
    latency_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)
    lost: int = 0

    def quantile_ms(self, quantile: float) -> float:
        """Latency, where what was lost took for ever."""
        latency_ms = np.sort(np.array(self.latency_ms + [np.inf] * self.lost))
        return float(latency_ms[min(int(quantile * len(latency_ms)), len(latency_ms) - 1)])


def http_request(path: str, body: bytes, headers: str = "") -> bytes:
    """The bytes of a POST with a JSON body; `headers` are whole lines."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}{_END.decode()}".encode() + body


def run_load(port: int, requests: Sequence[bytes], rps: float, seconds: float, seed: int) -> Load:
    """Sends `requests` in turn with exponential gaps (a Poisson process), `rps` a second, for `seconds`."""
    gaps_s = np.random.default_rng(seed).exponential(1 / rps, max(int(rps * seconds), 1))
    return asyncio.run(_run(port, requests, np.cumsum(gaps_s).tolist(), Load(rps=rps, seconds=seconds)))


async def _run(port: int, requests: Sequence[bytes], moments_s: Sequence[float], load: Load) -> Load:
    free: list[_Connection] = []
    pending: set[asyncio.Task[None]] = set()

    async def send(request: bytes, due: float) -> None:
        while free and free[-1][0].at_eof():
            free.pop()  # the server ends what was idle for some seconds
        connection = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        status, rung = await _ask(connection, request)
        load.latency_ms.append((time.perf_counter() - due) * 1000)
        load.statuses[status] += 1
        load.rungs[rung] += 1
        free.append(connection)

    begin = time.perf_counter()
    for request, moment_s in zip(itertools.cycle(requests), moments_s, strict=False):
        wait_s = begin + moment_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        task = asyncio.create_task(send(request, begin + moment_s))
        pending.add(task)
        task.add_done_callback(pending.discard)
    if pending:
        await asyncio.wait(pending, timeout=PATIENCE_S)
    for task in list(pending):
        task.cancel()
    for _, writer in free:
        writer.close()
    load.lost = len(moments_s) - len(load.latency_ms)
    return load


async def _ask(connection: _Connection, request: bytes) -> tuple[int, str]:
    """(status, rung, empty when the answer has none); raises IncompleteReadError where the server ends the connection
    before the body has its announced length."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(_END)
    body = await reader.readexactly(int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]))
    return int(head.split(None, 2)[1]), body.partition(_RUNG)[2].partition(b'"')[0].decode()
