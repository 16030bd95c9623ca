"""A whole rollout's changes of weight at one Envoy that is under load: how long each takes, and what is lost.

Behind it are two tiny servers, so that Envoy is what is tried. Near the end the canary is killed under full load.
"""

import http.client
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.harness.process import python
from components.rollout.local.envoy_process import Proxy
from components.rollout.local.envoy_process import proxy as envoy_proxy
from components.rollout.local.processes import READY_PATH, Backend, Process, free_port, running, wait_ready
from model.request_log.routing_headers import USER_HEADER, VERSION_HEADER

CLIENTS = 4
INFER = READY_PATH.replace("ready", "infer")
PERCENTS = (10, 50, 100, 10, 50, 100, 10, 50, 100)
"""Three rollouts in a row."""


def under_load(requests: int) -> dict[str, Any]:
    """{weight_change_ms: {p50, max, all}, requests, lost, rps}: `lost` counts answers other than 200."""
    answers: list[tuple[int, str]] = []
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aisle-load-")))
        stable, canary = (_server(stack, name, workdir) for name in ("stable", "canary"))
        proxy = stack.enter_context(envoy_proxy(stable[1], canary[1], workdir))
        each = requests // CLIENTS
        begin = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            jobs = [pool.submit(_ask, proxy.port, client, each, answers) for client in range(CLIENTS)]
            changes_ms = _changes(proxy, canary[0], answers, each * CLIENTS)
            for job in jobs:
                job.result()
        seconds = time.perf_counter() - begin
    answered = {side: answers.count((200, side)) for side in ("stable", "canary")}
    return {
        "weight_change_ms": float(np.median(changes_ms)),
        "weight_change_max_ms": max(changes_ms),
        "weight_changes": len(changes_ms),
        "requests": len(answers),
        "lost": len(answers) - sum(answered.values()),
        "answered_by": answered,
        "load_rps": len(answers) / seconds,
    }


def _ask(port: int, client: int, requests: int, answers: list[tuple[int, str]]) -> None:
    """One client: `requests` one after the other, each of another shopper; adds (status, version) of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for number in range(requests):
        try:
            connection.request("POST", INFER, b"{}", {USER_HEADER: f"shopper-{client}-{number}"})
            response = connection.getresponse()
            response.read()
            answers.append((response.status, response.getheader(VERSION_HEADER, "")))
        except (OSError, http.client.HTTPException):
            connection.close()
            answers.append((0, ""))
    connection.close()


def _server(stack: ExitStack, name: str, workdir: Path) -> tuple[Process, Backend]:
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    command = python("benchmarks.rollout.load:serve", name, str(backend.http_port))
    process = stack.enter_context(running(name, command, workdir / f"{name}.log"))
    wait_ready(process, backend)
    return process, backend


def _changes(proxy: Proxy, canary: Process, answers: list[tuple[int, str]], requests: int) -> list[float]:
    """Spreads PERCENTS evenly over the load, then kills the canary; milliseconds from each order to its effect."""
    changes_ms = []
    for number, percent in enumerate((*PERCENTS, None)):
        while len(answers) < requests * number // (len(PERCENTS) + 1):
            time.sleep(0.02)
        if percent is not None:
            changes_ms.append(proxy.set_percent(percent))
    canary.kill()
    return changes_ms


def serve(name: str, port: str) -> None:
    """Answers everything with its name."""

    async def answer(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse(name)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
