"""A lean open-loop client: requests leave at their drawn moments, whether the earlier ones are answered or not.

A latency counts from the moment drawn, so a server that falls behind cannot hide it by slowing the client down.
"""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import uvloop

PATIENCE_S = 5.0
"""Wait for the last answers; what is not there then is lost."""
OK = 200
FULL = "full"
"""The rung of an answer by the whole model (model.api.Rung)."""
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_RUNG = b'"rung":"'

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Send = Callable[[bytes], Awaitable[tuple[int, str]]]
"""A request as bytes -> (status, 200 for a good answer; the answer's rung, empty where it names none)."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a rate has to hold.

    Example:
        >>> load = Load(rps=100.0, seconds=1.0, latency_ms=[3.0] * 100, statuses=Counter({200: 100}))
        >>> Target(percent=99, limit_ms=25.0).held(load), Target(percent=90, limit_ms=2.0).held(load)
        (True, False)
    """

    percent: int
    limit_ms: float
    least_full: float = 0.0
    """Share of the answers that the whole model has to make; 0 for a server without rungs."""

    def held(self, load: "Load") -> bool:
        """Nothing lost, nothing refused, enough made by the whole model, in time."""
        whole = load.full_share is None or load.full_share >= self.least_full
        good = not load.stopped and load.not_200 == 0 and whole
        return good and load.quantile_ms(self.percent / 100) < self.limit_ms

    def hopeless(self, load: "Load", planned: int) -> bool:
        """Whether it cannot hold any more, whatever the rest of the `planned` answers are."""
        late = load.late_than.get(self.limit_ms, 0) > (1 - self.percent / 100) * planned
        lower = sum(load.rungs.values()) - load.rungs[FULL] if self.least_full else 0
        return late or load.not_200 > 0 or lower > (1 - self.least_full) * planned


@dataclass(kw_only=True)
class Load:
    """Answers of one run."""

    rps: float
    seconds: float
    latency_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)
    """Of the good answers; those without a rung count under the empty name."""
    late_than: Counter[float] = field(default_factory=Counter)
    """{limit of the target, ms: answers that took at least so long}"""
    lost: int = 0
    stopped: bool = False
    """It ended early, since the target could not be held any more: quantiles are of the answers until then."""
    client_cpu_s: float = 0.0

    def quantile_ms(self, quantile: float) -> float:
        """Latency, where what was lost took for ever; NaN without any answer."""
        latency_ms = np.sort(np.array(self.latency_ms + [np.inf] * self.lost))
        if not len(latency_ms):
            return math.nan
        return float(latency_ms[min(int(quantile * len(latency_ms)), len(latency_ms) - 1)])

    @property
    def not_200(self) -> int:
        """Requests without a good answer."""
        return sum(self.statuses.values()) - self.statuses[OK] + self.lost

    @property
    def full_share(self) -> float | None:
        """Share of the good answers by the whole model; None where answers name no rung."""
        named = sum(count for rung, count in self.rungs.items() if rung)
        return self.rungs[FULL] / sum(self.rungs.values()) if named else None


def http_request(path: str, body: bytes, headers: str = "") -> bytes:
    """The bytes of a POST with a JSON body; `headers` are whole lines."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}{_END.decode()}".encode() + body


def run_load(
    port: int, requests: Sequence[bytes], rps: float, seconds: float, seed: int, target: Target | None = None
) -> Load:
    """Sends HTTP `requests` in turn with exponential gaps (a Poisson process), `rps` a second, for `seconds`.

    Args:
        target: ends the run as soon as it cannot be held any more.
    """

    async def run() -> Load:
        free: list[_Connection] = []

        async def send(request: bytes) -> tuple[int, str]:
            while free and free[-1][0].at_eof():
                free.pop()  # the server ends what was idle for some seconds
            connection = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
            answer = await _ask(connection, request)
            free.append(connection)
            return answer

        load = await paced(send, requests, rps, seconds, seed, target)
        for _, writer in free:
            writer.close()
        return load

    return uvloop.run(run())


async def paced(
    send: Send, requests: Sequence[bytes], rps: float, seconds: float, seed: int, target: Target | None
) -> Load:
    """As `run_load`, by any protocol."""
    load, cpu_s = Load(rps=rps, seconds=seconds), time.process_time()
    gaps_s = np.random.default_rng(seed).exponential(1 / rps, max(int(rps * seconds), 1))
    moments_s = np.cumsum(gaps_s).tolist()
    pending: set[asyncio.Task[None]] = set()

    async def ask(request: bytes, due: float) -> None:
        due = min(due, time.perf_counter())  # the loop's timers end up to a millisecond early
        status, rung = await send(request)
        latency_ms = (time.perf_counter() - due) * 1000
        load.latency_ms.append(latency_ms)
        load.statuses[status] += 1
        if status == OK:
            load.rungs[rung] += 1
        if target and latency_ms >= target.limit_ms:
            load.late_than[target.limit_ms] += 1

    begin, sent = time.perf_counter(), 0
    for request, moment_s in zip(itertools.cycle(requests), moments_s, strict=False):
        if target and target.hopeless(load, len(moments_s)):
            load.stopped, load.seconds = True, time.perf_counter() - begin
            break
        wait_s = begin + moment_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        task = asyncio.create_task(ask(request, begin + moment_s))
        sent += 1
        pending.add(task)
        task.add_done_callback(pending.discard)
    if pending:
        await asyncio.wait(pending, timeout=PATIENCE_S)
    for task in list(pending):
        task.cancel()
    load.lost = sent - len(load.latency_ms)
    load.client_cpu_s = time.process_time() - cpu_s
    return load


async def _ask(connection: _Connection, request: bytes) -> tuple[int, str]:
    """(status, rung, empty when the answer has none); raises IncompleteReadError where the server ends the connection
    before the body has its announced length."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(_END)
    body = await reader.readexactly(int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]))
    return int(head.split(None, 2)[1]), body.partition(_RUNG)[2].partition(b'"')[0].decode()
