"""What the shipper and the reader of the request log take, beside a real SeaweedFS: every row arrives.

A little of it in every test run, and a lot for benchmarks/serving/shipping.py. Rows are made up: ten items each, one in
a hundred with a history of 540 purchases and 128 candidates.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from components.monitor.data import visits
from components.rollout.local.processes import wait_until
from model.serving.request_log.spool import waiting
from model.serving.request_log.writer import LogOptions, RequestLog
from model.system import object_store
from pipelines.kind.cluster_secrets import LOG_BUCKET
from tests.model.serving.request_log.seaweedfs_server import seaweedfs_server
from tests.model.serving.request_log.test_shipper import READER, be, make_bucket, shipper

pytestmark = [pytest.mark.needs("weed"), pytest.mark.timeout(3600)]
MOST_FILES = 200
HISTORY, CANDIDATES, DETAIL_PERCENT = 540, 128, 1.0
REASONS = ("bought_before", "popular", "similar")
ROW: dict[str, Any] = {"version": "2017-12-04-c0ffee123456", "k": 10, "route": "split", "rung": "full"}
ROW |= {"state": "found", "propensities": [], "exclude": []}


def test_every_row_is_shipped_and_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    report_measurement: Callable[[str, dict[str, Any]], None],
) -> None:
    most, *sizes = map(int, pytestconfig.getoption("--shipped-rows").split(","))
    with seaweedfs_server(tmp_path) as store:
        make_bucket(store)
        monkeypatch.setenv("AISLE_AWS_ENDPOINT_URL", store.url)
        be(READER, monkeypatch)
        files = [measure(store.url, tmp_path, size, min(most // size, MOST_FILES) * size) for size in sizes]
    report_measurement("shipping", {"files": files})


def measure(endpoint: str, workdir: Path, size: int, rows: int) -> dict[str, Any]:
    """One shipper, on files of `size` rows that come one after the other."""
    log, url = workdir / f"log-{size}", f"s3://{LOG_BUCKET}/{size}"
    with shipper(endpoint, log, url, f"shipper-{size}", "--every-s", "1") as process:
        wait_until(lambda: "shipping from" in process.log.read_text(), process, "a begin", 60)
        time.sleep(2)
        began_s = process.cpu_s()
        for first in range(0, rows, size):
            write(log, first, size)
        wait_until(lambda: not waiting(log), process, "an empty directory", 120)
        shipped_s = process.cpu_s() - began_s
        memory_mb = round(psutil.Process(process.pid).memory_info().rss / 1e6, 1)
    system, names = object_store.files(url)
    cpu_s = time.process_time()
    assert len(visits.read(url, 0, rows)) == rows
    return {
        "rows_a_file": size,
        "rows": rows,
        "files": len(names),
        "bytes_a_row": sum(info.size for info in system.get_file_info(names)) / rows,
        "ship_cpu_ms_a_1000_rows": 1e6 * shipped_s / rows,
        "ship_cpu_ms_a_file": 1e3 * shipped_s / len(names),
        "shipper_mb": memory_mb,
        "read_cpu_ms_a_1000_rows": 1e6 * (time.process_time() - cpu_s) / rows,
    }


def write(log: Path, first: int, count: int) -> None:
    """One file of the log."""
    rng = np.random.default_rng(first)
    with RequestLog(log, LogOptions(detail_percent=DETAIL_PERCENT, roll_rows=count)) as out:
        for n in range(first, first + count):
            row = answer(rng, n)
            out.write(row | detail(rng) if out.detailed(row["request_id"]) else row)


def answer(rng: np.random.Generator, n: int) -> dict[str, Any]:
    return ROW | {
        "request_id": rng.bytes(16).hex(),
        "user_id": str(rng.integers(2_500)),
        "time_s": n,
        "logged_s": n + 0.123,
        "store_id": str(rng.integers(400)),
        "latency_ms": round(float(rng.gamma(4, 2)), 3),
        "item_ids": items(rng, 10),
        "scores": rng.random(10).astype(np.float32).tolist(),
        "reasons": rng.choice(REASONS, 10).tolist(),
    }


def detail(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "history_items": items(rng, HISTORY),
        "history_times": np.sort(rng.integers(0, 30_000_000, HISTORY)).tolist(),
        "candidate_ids": items(rng, CANDIDATES),
        "candidate_scores": rng.random(CANDIDATES).astype(np.float32).tolist(),
        "candidate_reasons": rng.choice(REASONS, CANDIDATES).tolist(),
    }


def items(rng: np.random.Generator, count: int) -> list[str]:
    return [str(item) for item in rng.integers(800_000, 900_000, count)]
