"""What attackers do to another client, what faults lose, and what 20,000 requests that no client should send come to.

`python -m benchmarks abuse` writes build/bench/abuse.json. Server and clients have cores of their own where there are
two. For each attack: the other client's p99 before and during it, the memory that the server takes more, and the
answers that the attacker gets. Each figure is the median of the rounds.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from benchmarks.abuse import attacks, faults
from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS, measured_by
from benchmarks.serving.load import Load, http_request, run_load
from benchmarks.serving.servers import Command, Live, pinned
from components.kfp_support.progress import progress
from components.rollout.local.processes import free_port

SEED = 0
SCRATCH = RESULTS / "abuse"
VICTIM_RPS = 100.0
REST_S = 2.0
"""Until what an attack left behind is gone."""
MODULE = "model.serving.server"


def main(
    model: Annotated[Path | None, typer.Option(help="model directory; default: the quality benchmark's")] = None,
    module: Annotated[str, typer.Option(help="module that runs a server of it")] = MODULE,
    requests: Annotated[int, typer.Option(help="of the other client, before and during each attack")] = 2000,
    rounds: Annotated[int, typer.Option(help="of each attack")] = 3,
    kills: Annotated[int, typer.Option(help="of servers and of Redis, altogether")] = 50,
    fuzz_requests: Annotated[int, typer.Option(help="over all endpoints")] = 20_000,
    only: Annotated[str, typer.Option(help="one attack by its name; default: all, and the rest")] = "",
) -> dict[str, Any]:
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    directory = model or shop.model()
    attacked = [
        _attacked(name, start_command(directory, module, f"lmdb:{SCRATCH / name.replace(' ', '-')}"), requests, rounds)
        for name in attacks.ATTACKS
        if only in ("", name)
    ]
    result: dict[str, Any] = {"rps": VICTIM_RPS, "rounds": rounds, "attacks": attacked}
    if only:
        return result
    return result | {"faults": _faults(directory, module, kills), "fuzz": _fuzz(fuzz_requests)}


def start_command(directory: Path, module: str, store: str) -> Command:
    def command(http_port: int, grpc_port: int) -> list[str]:
        where = ("--host-loopback", "--model-dir", str(directory.absolute()), "--store", store)
        listening = ("--http-port", str(http_port), "--grpc-port", str(grpc_port))
        return [sys.executable, "-m", module, *where, *listening]

    return command


def _attacked(name: str, start: Command, requests: int, rounds: int) -> dict[str, Any]:
    """One attack on a server of its own."""
    cores = sorted(psutil.Process().cpu_affinity() or [])[:1]
    body = json.dumps({"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["1"]}]}).encode()
    asked, seconds = [http_request(attacks.INFER, body)], requests / VICTIM_RPS
    befores, durings, added, answers = [], [], [], dict[str, int]()
    with pinned("attacked", start, cores, SCRATCH) as live:
        port = live.backend.http_port
        run_load(port, asked, VICTIM_RPS, min(seconds, 5.0), SEED)
        for number in range(rounds):
            befores.append(run_load(port, asked, VICTIM_RPS, seconds, SEED + number))
            memory = live.rss_mb()
            target = live.backend.grpc_port if name.startswith("gRPC") else port
            command = child.python("benchmarks.abuse.attacks:main", name, str(target), str(seconds + 1))
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attacker:
                time.sleep(1.0)
                during, peak = _watched(live, port, asked, seconds, SEED + number)
                came = json.loads(attacker.communicate()[0].splitlines()[-1])
            durings.append(during)
            added.append(peak - memory)
            answers = {status: answers.get(status, 0) + came.get(status, 0) for status in {*answers, *came}}
            time.sleep(REST_S)
    result = {
        "name": name,
        "victim_p99_before_ms": round(statistics.median(load.quantile_ms(0.99) for load in befores), 2),
        "victim_p99_during_ms": round(statistics.median(load.quantile_ms(0.99) for load in durings), 2),
        "victim_not_200": sum(load.not_200 for load in durings),
        "victim_requests": sum(len(load.latency_ms) + load.lost for load in durings),
        "rss_mb_added": statistics.median(added),
        "answers": dict(sorted(answers.items())),
    }
    progress(str(result))
    return result


def _watched(live: Live, port: int, asked: list[bytes], seconds: float, seed: int) -> tuple[Load, int]:
    """What the other client meets, and the server's memory in the middle and at the end of it, the larger."""
    first = run_load(port, asked, VICTIM_RPS, seconds / 2, seed)
    middle = live.rss_mb()
    second = run_load(port, asked, VICTIM_RPS, seconds / 2, seed + 1000)
    first.latency_ms += second.latency_ms
    first.statuses += second.statuses
    first.lost += second.lost
    return first, max(middle, live.rss_mb())


def _faults(directory: Path, module: str, kills: int) -> list[dict[str, Any]]:
    """Half of the kills are of the server, half of Redis."""
    port = free_port()
    url, embedded = f"redis://127.0.0.1:{port}/0", f"lmdb:{(SCRATCH / 'killed').absolute()}"
    most = ("--max-history", str(faults.MAX_HISTORY))

    def server(store: str) -> Command:
        return lambda http_port, grpc_port: [*start_command(directory, module, store)(http_port, grpc_port), *most]

    half = max(kills // 2, 1)
    return [
        faults.killed_servers(server(embedded), embedded, half, SCRATCH, SEED),
        faults.killed_redis(server(url), port, half, SCRATCH, SEED),
    ]


def _fuzz(requests: int) -> dict[str, Any]:
    """A run in which any answer is a 5xx ends with an error of the test."""
    figures = measured_by("tests/model/serving/test_fuzz.py", "fuzz", "--fuzz-requests", str(requests))
    return {"requests": figures["requests"], "unintended_5xx": 0, "answers": figures["answers"]}
