"""What one answer costs with each ranker of the quality benchmark, at its last cut: `make bench-latency` after it.

Each classical peer is fitted with the settings that the quality benchmark chose, then asked one request at a time, as a
server would; Aisle is the model that benchmark trained. Everything on one core.
"""

import os
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.machine import write_result
from benchmarks.peers.registry import PEERS
from benchmarks.quality import CUTS, FOLDER, SEEDS
from benchmarks.quality_result import AISLE
from benchmarks.quality_work import list_name
from components.evaluate.rank import latency_ms
from components.progress import progress
from model.errors import InputError
from model.files import read_json
from model.task import Task, load_task

REQUESTS = 300
K = 10


def main() -> None:
    folder = FOLDER / CUTS[-1]
    model = folder / list_name("model", SEEDS[0])
    if not model.exists():
        raise InputError(f"{model}: expected the model of the quality benchmark, not found; run `make bench-quality`")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with threadpool_limits(1):
        rankers = measure(folder, model, load_task(folder / "examples"), REQUESTS)
    print(write_result("latency", {"cut": CUTS[-1], "requests": REQUESTS, "k": K, "rankers": rankers}, SEEDS[0]))


def measure(folder: Path, model: Path, task: Task, requests: int) -> dict[str, dict[str, Any]]:
    """{ranker: {p50_ms, p99_ms}} of the first judged trips, one request after the other."""
    which = task.trip_N[:requests]
    found: dict[str, dict[str, Any]] = {}
    for name, (make, _) in PEERS.items():
        about = folder / "lists" / f"{name}.json"
        if about.exists():
            progress(name)
            found[name] = latency_ms(make(**read_json(about)["settings"]).fit(task.trips), task.trips, which, K)
    from model import package  # TensorFlow takes its threads from the cores it is given at import

    return found | {AISLE: latency_ms(package.load(model), task.trips, which, K)}


if __name__ == "__main__":
    main()
