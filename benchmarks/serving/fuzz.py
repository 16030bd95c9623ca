"""Many requests that no client should send, through every door of one server: no 5xx, no crash, memory flat.

`python -m benchmarks.serving.fuzz` writes build/bench/fuzz.json: answers by door and status, and what the server holds
in memory before and after each tenth of the requests, which are the same ones each time.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness.result_file import write_result
from components.rollout.local.processes import SERVER_MODULE
from tests.model.serving.fuzz import DOORS, fuzz
from tests.model.serving.live_server import Server, live_server, opened

SLICES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="over all doors (%(default)s)")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model directory; default: a model without TensorFlow"
    )
    arguments = parser.parse_args()
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aisle-fuzz-")))
        if arguments.model:
            server = stack.enter_context(opened(workdir, arguments.model, SERVER_MODULE))
        else:
            server = stack.enter_context(live_server(workdir, "v1", items=["a", "b", "c"]))
        result = {"model": arguments.model.name if arguments.model else "fake"} | measure(server, arguments.requests)
    print(write_result("fuzz", result, seed=0))


def measure(server: Server, requests: int) -> dict[str, Any]:
    """{requests, answers: {door: {status: n}}, rss_mb, seconds}; raises AssertionError on a bad answer."""
    begin = time.perf_counter()
    answers: dict[str, Counter[str]] = {door: Counter() for door in DOORS}
    rss_mb = [_rss_mb(server)]
    each = max(requests // (SLICES * len(DOORS)), 1)
    for number in range(1, SLICES + 1):
        for door in DOORS:
            answers[door] += fuzz(server, door, each, number)
        rss_mb.append(_rss_mb(server))
    return {
        "requests": sum(sum(came.values()) for came in answers.values()),
        "answers": {door: dict(came) for door, came in answers.items()},
        "rss_mb": rss_mb,
        "seconds": round(time.perf_counter() - begin, 1),
    }


def _rss_mb(server: Server) -> float:
    return round(psutil.Process(server.process.pid).memory_info().rss / 1e6, 1)


if __name__ == "__main__":
    main()
