"""Half an hour of attacks in turn beside another client: its p99 and the server's memory by minute, and whether the
server counted every answer that a client got.

`python -m benchmarks abuse-soak [--minutes N]` writes build/bench/abuse-soak.json. Server and clients have cores of
their own where there are two.
"""

import itertools
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.abuse import attacks
from benchmarks.abuse.__main__ import MODULE, VICTIM_RPS, start_command
from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS
from benchmarks.serving.load import Load, run_load
from benchmarks.serving.servers import Live, pinned
from components.kfp_support.progress import progress
from components.rollout.local.processes import get
from model.serving.admission.gate import Cause

SEED = 0
SCRATCH = RESULTS / "abuse-soak"
QUIET = "none"
STATUSES: dict[str, str] = {
    Cause.NOT_HTTP: "400",
    Cause.HEADER_TIME: "408",
    Cause.BODY_TIME: "408",
    Cause.BODY_SIZE: "413",
    Cause.HEADER_SIZE: "431",
    Cause.BUFFER: "503",
    Cause.IN_FLIGHT: "503",
}
"""What admission answers by itself; the application counts its answers by status."""


def main(
    minutes: Annotated[int, typer.Option(help="altogether")] = 30,
    model: Annotated[Path | None, typer.Option(help="model directory; default: the quality benchmark's")] = None,
    module: Annotated[str, typer.Option(help="module that runs a server of it")] = MODULE,
    window_s: Annotated[float, typer.Option(help="of one attack, seconds")] = 60.0,
) -> dict[str, Any]:
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    cores = sorted(psutil.Process().cpu_affinity() or [])[:1]
    start = start_command(model or shop.model(), module, f"lmdb:{SCRATCH / 'store'}")
    with pinned("attacked", start, cores, SCRATCH) as live:
        run_load(live.backend.http_port, [attacks.ASK], VICTIM_RPS, min(window_s, 5.0), SEED)
        first = counted(live.backend.http_port)
        names = itertools.islice(itertools.cycle([QUIET, *attacks.ATTACKS]), minutes)
        windows, received = [], Counter[str]()
        for number, name in enumerate(names):
            load, came = _window(live, name, window_s, SEED + number)
            received.update({str(status): count for status, count in load.statuses.items()})
            received.update({status: count for status, count in came.items() if status.isdecimal()})
            windows.append(_figures(name, load, live))
            progress(f"{number + 1} of {minutes}: {windows[-1]}")
        last = counted(live.backend.http_port)
    uncounted = received - (last - first)
    return {"rps": VICTIM_RPS, "window_s": window_s, "windows": windows, "answers_not_counted": uncounted.total()}


def counted(port: int) -> Counter[str]:
    """{HTTP status: answers of the server so far}."""
    answers = Counter[str]()
    for family in text_string_to_metric_families(get(port, "/metrics")[1].decode()):
        for sample in family.samples:
            status = {
                "aisle_answers_total": sample.labels.get("status", ""),
                "aisle_refused_total": STATUSES.get(sample.labels.get("cause", ""), ""),
            }.get(sample.name, "")
            if status.isdecimal():
                answers[status] += round(sample.value)
    return answers


def _window(live: Live, name: str, seconds: float, seed: int) -> tuple[Load, dict[str, int]]:
    """What the other client meets during one attack, and what the attacker gets."""
    port = live.backend.http_port
    if name == QUIET:
        return run_load(port, [attacks.ASK], VICTIM_RPS, seconds, seed), {}
    target = live.backend.grpc_port if name.startswith("gRPC") else port
    command = child.python("benchmarks.abuse.attacks:main", name, str(target), str(seconds))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attacker:
        load = run_load(port, [attacks.ASK], VICTIM_RPS, seconds, seed)
        return load, json.loads(attacker.communicate()[0].splitlines()[-1])


def _figures(name: str, load: Load, live: Live) -> dict[str, Any]:
    return {
        "attack": name,
        "requests": len(load.latency_ms) + load.lost,
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "lost": load.lost,
        "p99_ms": round(load.quantile_ms(0.99), 2),
        "rss_mb": live.rss_mb(),
    }
