"""Half an hour at half of what one core takes: does latency drift, does memory grow, is all of it ranked?

`python -m benchmarks soak [--minutes N]`, after `make bench-serving`, whose server, model and rate it takes;
with the deadline of production and a request log.
"""

from typing import Annotated, Any

import numpy as np
import psutil
import typer

from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS
from benchmarks.serving.__main__ import SEED, WARM_RPS, WARM_S, aisle, pinned, prepared, requests_of
from benchmarks.serving.load import Load, run_load
from components.kfp_support.progress import progress
from model.files import read_json

SCRATCH = RESULTS / "soak"
MINUTES, WINDOWS = 30, 6


def main(minutes: Annotated[float, typer.Option(help="altogether")] = MINUTES) -> dict[str, Any]:
    core, trips, store = prepared(SCRATCH)
    rps = read_json(RESULTS / "serving.json")["aisle"]["half_rps"]
    log = ("--request-log", str(SCRATCH / "log"))

    def start(*ports: int) -> list[str]:
        return aisle(shop.model(), store, *log, ports=ports)

    with pinned("soak", start, core, SCRATCH) as (process, port):
        requests = requests_of(trips)
        run_load(port, requests, WARM_RPS, WARM_S, SEED)
        windows = []
        for number in range(WINDOWS):
            load = run_load(port, requests, rps, minutes * 60 / WINDOWS, SEED + number)
            rss_mb = round(psutil.Process(process.pid).memory_info().rss / 1e6)
            windows.append(_window(load, rss_mb))
            progress(f"{number + 1} of {WINDOWS}: {windows[-1]}")
    return {"minutes": minutes, "rps": rps, "windows": windows} | verdict(windows)


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
