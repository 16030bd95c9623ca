"""Half an hour at half of what one core takes: does latency drift, does memory grow, is all of it ranked?

`python -m benchmarks.serving.soak [--minutes N]`, after `make bench-serving`, whose server, model and rate it takes;
with the deadline of production and a request log.
"""

import argparse
import os
import shutil
import sys
from typing import Any

import numpy as np
import psutil

from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.serving.__main__ import CUT, MAX_HISTORY, SEED, WARM_RPS, WARM_S, pinned, requests_of
from benchmarks.serving.load import Load, run_load
from components.kfp_support.progress import progress
from components.rollout.local.trip_traffic import seed_store
from model.data.trips import Trips
from model.files import read_json

SCRATCH = RESULTS / "soak"
MINUTES, WINDOWS = 30, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="altogether (%(default)s)")
    minutes = parser.parse_args().minutes
    server_core, client_core = sorted(os.sched_getaffinity(0))[-2:][::-1]
    os.sched_setaffinity(0, {client_core})
    shutil.rmtree(SCRATCH, ignore_errors=True)
    trips = Trips.load(CUT / "examples" / "trips")
    store = seed_store(trips, SCRATCH / "store", MAX_HISTORY)
    rps = read_json(RESULTS / "serving.json")["aisle"]["half_rps"]

    def start(http: int, grpc: int) -> list[str]:
        where = ("--model-dir", str(CUT / "model-7"), "--store", f"lmdb:{store}", "--request-log", str(SCRATCH / "log"))
        ports = ("--http-port", str(http), "--grpc-port", str(grpc))
        return [sys.executable, "-m", "model.serving.server", "--host-loopback", *where, *ports]

    with pinned("soak", start, server_core, SCRATCH) as (process, port):
        requests = requests_of(trips)
        run_load(port, requests, WARM_RPS, WARM_S, SEED)
        windows = []
        for number in range(WINDOWS):
            load = run_load(port, requests, rps, minutes * 60 / WINDOWS, SEED + number)
            rss_mb = round(psutil.Process(process.pid).memory_info().rss / 1e6)
            windows.append(_window(load, rss_mb))
            progress(f"{number + 1} of {WINDOWS}: {windows[-1]}")
    result = {"minutes": minutes, "rps": rps, "windows": windows} | verdict(windows)
    print(write_result("soak", result, SEED))


def _window(load: Load, rss_mb: int) -> dict[str, Any]:
    return {
        "minutes": round(load.seconds / 60, 2),
        "requests": len(load.latency_ms) + load.lost,
        "not_200": sum(load.statuses.values()) - load.statuses[200] + load.lost,
        "full_share": round(load.rungs["full"] / max(sum(load.rungs.values()), 1), 5),
        "p50_ms": round(load.quantile_ms(0.5), 2),
        "p99_ms": round(load.quantile_ms(0.99), 2),
        "rss_mb": rss_mb,
    }


def verdict(windows: list[dict[str, Any]]) -> dict[str, float]:
    """{p99_drift_pct: of the last window against the first, rss_mb_per_hour: of a line through all but the first}."""
    first, last = windows[0]["p99_ms"], windows[-1]["p99_ms"]
    minutes_W = np.array([window["minutes"] for window in windows]).cumsum()
    rss_W = np.array([window["rss_mb"] for window in windows])
    slope = np.polyfit(minutes_W[1:], rss_W[1:], 1)[0] * 60
    return {"p99_drift_pct": round(100 * (last / first - 1), 1), "rss_mb_per_hour": round(float(slope), 1)}


if __name__ == "__main__":
    main()
