"""Half an hour at half of what one core takes: does latency drift, does memory grow, is all of it ranked?

`python -m benchmarks soak [--minutes N]`, after `make bench-serving`, whose server, model and rate it takes;
with the deadline of production and a request log.
"""

import shutil
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS
from benchmarks.serving.__main__ import histories, server_cores
from benchmarks.serving.load import Load, run_load
from benchmarks.serving.measure import SEED, WARM_RPS, Traffic
from benchmarks.serving.search import Pace
from benchmarks.serving.servers import aisle, pinned
from components.kfp_support.progress import progress
from model.files import read_json

SCRATCH = RESULTS / "soak"
MINUTES, WINDOWS = 30, 6


def main(minutes: Annotated[float, typer.Option(help="altogether")] = MINUTES) -> dict[str, Any]:
    shutil.rmtree(SCRATCH, ignore_errors=True)
    (core, _), (trips, store) = server_cores(), histories(shop.examples(), SCRATCH)
    rps = read_json(RESULTS / "serving.json")["aisle"]["half_rps"]
    start = aisle(shop.model(), store, "--request-log", str(SCRATCH / "log"))
    with pinned("soak", start, [core], SCRATCH) as live:
        port, requests = live.backend.http_port, Traffic.of(trips, SCRATCH).http
        run_load(port, requests, WARM_RPS, Pace().warm_s, SEED)
        windows = []
        for number in range(WINDOWS):
            load = run_load(port, requests, rps, minutes * 60 / WINDOWS, SEED + number)
            windows.append(_window(load, live.rss_mb()))
            progress(f"{number + 1} of {WINDOWS}: {windows[-1]}")
    return {"minutes": minutes, "rps": rps, "windows": windows} | verdict(windows)


def _window(load: Load, rss_mb: int) -> dict[str, Any]:
    return {
        "minutes": round(load.seconds / 60, 2),
        "requests": len(load.latency_ms) + load.lost,
        "not_200": load.not_200,
        "full_share": round(load.full_share or 0.0, 5),
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
