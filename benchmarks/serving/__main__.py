"""What a server on one core can take: the highest rate with p99 under 25 ms, and latency, CPU and memory at half of it.

`python -m benchmarks serving`, after `make bench-quality`, whose last model is served: the full catalog, and every
shopper's real history before the cut. The server has one core, the client another. Then the index at larger catalogs,
and the ranking network in ONNX Runtime.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.process import busy_s
from benchmarks.harness.result_file import RESULTS
from benchmarks.serving.load import Load, http_request, run_load
from benchmarks.serving.tutorial import NAME
from components.rollout.local.processes import READY_PATH, Backend, Process, free_port, get, running, wait_ready
from components.rollout.local.trip_traffic import seed_store
from model.data.trips import Trips
from model.files import atomic_directory, write_json
from model.package.manifest import verify

SCRATCH = RESULTS / "serving"
SEED = 7
LIMIT_MS = 25.0
"""p99 of a rate that counts as taken."""
FIRST_RPS, STEP = 40.0, 1.15
STEP_S, STEP_REQUESTS, HALF_S, WARM_S, WARM_RPS = 6.0, 300, 20.0, 10.0, 40.0
CATALOGS = (92_334, 1_000_000, 5_000_000)
"""Items."""
SHOPPERS = 500
MAX_HISTORY = 2048
PATIENT = ("--deadline-ms", "10000", "--max-in-flight", "10000")
"""No fallbacks: the model answers everything, however late, so that the rates of all servers mean the same."""
MLSERVER = ("mlserver==1.7.1", "tensorflow==2.21.0", "tf-keras==2.21.0", "tensorflow-recommenders==0.7.7")
"""MLServer, the other Python server of the v2 protocol, as a peer. In an environment of its own: 1.7.1 wants an older
FastAPI than KServe 0.21 does."""

Command = Callable[[int, int], list[str]]
"""(HTTP port, gRPC port) -> what starts a server."""


def main() -> dict[str, Any]:
    """Measures everything, one thing after the other."""
    model = shop.model()
    core, trips, store = prepared(SCRATCH)
    manifest, requests = verify(model), requests_of(trips)
    tutorial = SCRATCH / "tutorial"
    sizes = (str(manifest.items), str(len(trips.user_ids)))
    subprocess.run(child.python("benchmarks.serving.tutorial:build", tutorial, *sizes), check=True)
    python = mlserver_python(SCRATCH.parent / "mlserver")
    servers: dict[str, Command] = {
        "Aisle": lambda *ports: aisle(model, store, *PATIENT, ports=ports),
        "plain KServe predictor": lambda http, _: child.python("benchmarks.serving.peer:main", tutorial, str(http)),
        "the same in MLServer": lambda *ports: mlserver_command(python, SCRATCH / "settings", tutorial, *ports),
    }
    figures = {}
    for name, start in servers.items():
        with pinned(name, start, core, SCRATCH) as (process, port):
            figures[name] = measured(process, port, requests)
    vectors = str(model / "index" / "vectors.npy")
    return {
        "limit_ms": LIMIT_MS,
        "catalog_items": manifest.items,
        "shoppers": SHOPPERS,
        "mean_history": round(float(trips.kept_events(trips.cut_s).sum() / len(trips.user_ids)), 1),
        "aisle": figures.pop("Aisle"),
        "peers": figures,
        "catalog": [_printed("benchmarks.serving.catalog:main", core, vectors, str(items)) for items in CATALOGS],
        "runtime": _printed("benchmarks.serving.runtime:main", core, str(shop.examples())),
    }


def prepared(scratch: Path) -> tuple[int, Trips, Path]:
    """(the server's core, trips, store of all histories), in an empty folder; this process takes another core."""
    server_core, client_core = sorted(os.sched_getaffinity(0))[-2:][::-1]
    os.sched_setaffinity(0, {client_core})
    shutil.rmtree(scratch, ignore_errors=True)
    trips = Trips.load(shop.examples() / Trips.DIRECTORY)
    return server_core, trips, seed_store(trips, scratch / "store", MAX_HISTORY)


def aisle(model: Path, store: Path, *options: str, ports: tuple[int, ...]) -> list[str]:
    """What starts Aisle's server."""
    where = ("--host-loopback", "--model-dir", str(model), "--store", f"lmdb:{store}")
    listening = ("--http-port", str(ports[0]), "--grpc-port", str(ports[1]))
    return [sys.executable, "-m", "model.serving.server", *where, *options, *listening]


def measured(process: Process, port: int, requests: Sequence[bytes]) -> dict[str, Any]:
    """The highest rate taken, and what half of it costs.

    Rates rise until half of the answers are late, not until the first p99 that is: at low rates the machine itself is
    slower now and then.
    """
    run_load(port, requests, WARM_RPS, WARM_S, SEED)
    taken, rates, rps = 0.0, [], FIRST_RPS
    while True:
        load = run_load(port, requests, rps, max(STEP_S, STEP_REQUESTS / rps), SEED)
        rates.append({"rps": round(rps, 1), "p50_ms": _ms(load, 50), "p99_ms": _ms(load, 99)})
        print(process.name, rates[-1], flush=True)
        if load.quantile_ms(0.99) < LIMIT_MS:
            taken = rps
        if load.quantile_ms(0.5) >= LIMIT_MS:
            break
        rps *= STEP
    half = max(taken, FIRST_RPS) / 2
    before = _stages(port)
    cpu_s, client_s, all_s, begin = process.cpu_s(), time.process_time(), busy_s(), time.perf_counter()
    load = run_load(port, requests, half, HALF_S, SEED + 1)
    seconds, own_s = time.perf_counter() - begin, process.cpu_s() - cpu_s
    others = (busy_s() - all_s - own_s - (time.process_time() - client_s)) / seconds
    answered = len(load.latency_ms)
    stages_ms = {stage: round(1000 * (s - before.get(stage, 0)) / answered, 3) for stage, s in _stages(port).items()}
    return {
        "max_rps_p99_25ms": round(taken, 1),
        **{f"p{q}_ms": _ms(load, q) for q in (50, 90, 99)},
        "half_rps": round(half, 1),
        "cpu_ms_per_request": round(1000 * own_s / answered, 3),
        "stages_ms": stages_ms,
        "rss_mb": round(psutil.Process(process.pid).memory_info().rss / 1e6),
        "not_200": sum(load.statuses.values()) - load.statuses[200] + load.lost,
        "full_share": load.rungs["full"] / max(sum(load.rungs.values()), 1),
        "other_cores": round(max(others, 0.0), 2),
        "rates": rates,
    }


def _ms(load: Load, percent: int) -> float | None:
    """A percentile of the latencies; None where it is among what was lost."""
    latency_ms = load.quantile_ms(percent / 100)
    return round(latency_ms, 2) if math.isfinite(latency_ms) else None


def _stages(port: int) -> dict[str, float]:
    """Seconds that each stage has taken so far, a batch counted once; none where the server does not report them."""
    status, page = get(port, "/metrics")
    if status != 200:
        return {}
    families = text_string_to_metric_families(page.decode())
    samples = (sample for family in families if family.name == "aisle_stage_seconds" for sample in family.samples)
    return {sample.labels["stage"]: sample.value for sample in samples if sample.name.endswith("_sum")}


def _printed(function: str, core: int, *arguments: str) -> dict[str, Any]:
    """What a function returns, called on one core."""
    command = ["taskset", "-c", str(core), *child.python(function, *arguments)]
    line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    print(function, line, flush=True)
    return dict(json.loads(line))


def requests_of(trips: Trips) -> list[bytes]:
    """A request of each of the first shoppers at the cut, as the bytes to send."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(trips.cut_s))

    def body(user: str) -> bytes:
        values = {"user_id": user, "request_time": moment}
        inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [value]} for name, value in values.items()]
        return json.dumps({"inputs": inputs}).encode()

    return [http_request(READY_PATH.replace("ready", "infer"), body(str(user))) for user in trips.user_ids[:SHOPPERS]]


@contextmanager
def pinned(name: str, start: Command, core: int, scratch: Path) -> Iterator[tuple[Process, int]]:
    """A server on one core, ready; its log is scratch/name.log."""
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    arguments = ["taskset", "-c", str(core), *start(backend.http_port, backend.grpc_port)]
    with running(name, arguments, scratch / f"{name}.log") as process:
        wait_ready(process, backend)
        yield process, backend.http_port


def mlserver_python(folder: Path) -> Path:
    """MLServer's Python, installed into `folder` when it is not there yet (some minutes, 2.2 GB)."""
    if not folder.exists():
        made = folder.with_name(f"{folder.name}.new")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(made)], check=True)
        subprocess.run([str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", *MLSERVER], check=True)
        made.rename(folder)
    return folder / "bin" / "python"


def mlserver_command(python: Path, folder: Path, models: Path, http_port: int, grpc_port: int) -> list[str]:
    """What starts it with the tutorial's models (benchmarks/serving/tutorial.py); `folder` takes two settings files."""
    with atomic_directory(folder) as out:
        ports = {"host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_endpoint": None}
        write_json(out / "settings.json", ports | {"parallel_workers": 0, "debug": False})
        implementation = "benchmarks.serving.mlserver_model.Predictor"
        parameters = {"uri": str(models.absolute())}
        model = {"name": NAME, "implementation": implementation, "parameters": parameters}
        write_json(out / "model-settings.json", model)
    return [str(python), "-m", "mlserver.cli.main", "start", str(folder)]
