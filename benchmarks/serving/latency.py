"""CPU of one answer with each ranker of the quality benchmark, at its last cut: `make bench-latency` after it.

Each classical peer is fitted with the settings that the quality benchmark chose, then asked one request at a time, as a
server would; Aisle is the model that benchmark trained. CPU time, not time: other work on the machine hardly moves it.
"""

import os
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness.result_file import write_result
from benchmarks.peers.registry import PEERS
from benchmarks.quality.__main__ import CUTS, FOLDER, SEEDS
from benchmarks.quality.result import AISLE
from benchmarks.quality.work import list_name
from components.evaluate.predictions import request_of
from components.kfp_support.progress import progress
from model.api import Model
from model.errors import InputError
from model.evaluation.next_basket_task import Task, load_task
from model.files import read_json

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


def measure(folder: Path, model: Path, task: Task, requests: int) -> dict[str, dict[str, float]]:
    """{ranker: {cpu_ms_p50, cpu_ms_p99}} over the first judged trips, one request after the other."""
    from model.package import loaded_model as package

    figures: dict[str, dict[str, float]] = {}
    for name, (make, _) in PEERS.items():
        about = folder / "lists" / f"{name}.json"
        if about.exists():
            progress(name)
            figures[name] = cpu_ms(make(**read_json(about)["settings"]).fit(task.trips), task, requests)
    return figures | {AISLE: cpu_ms(package.load(model), task, requests)}


def cpu_ms(model: Model, task: Task, requests: int) -> dict[str, float]:
    """Of all threads of this process together; the first few requests warm up and are not counted."""
    asked = [request_of(task.trips, int(trip), K) for trip in task.trip_N[:requests]]
    model.recommend(asked[:1])
    spent = []
    for request in [*asked[:5], *asked]:
        began = time.process_time()
        model.recommend([request])
        spent.append(1000 * (time.process_time() - began))
    p50, p99 = np.quantile(spent[5:], [0.5, 0.99])
    return {"cpu_ms_p50": float(p50), "cpu_ms_p99": float(p99)}
