"""CPU of one answer with each ranker of the quality benchmark, at its last cut: `make bench-latency` after it.

Each classical peer is fitted with the settings that the quality benchmark chose, then asked one request at a time, as a
server would; Aisle is the model that benchmark trained. CPU time, not time: other work on the machine hardly moves it.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import shop
from benchmarks.harness.shop import CUTS
from benchmarks.peers.registry import PEERS
from benchmarks.quality.result import AISLE
from components.evaluate.predictions import request_of
from components.kfp_support.progress import progress
from model.api import Model
from model.evaluation.next_basket_task import Task, load_task
from model.files import read_json

REQUESTS = 300
K, SEED = 10, 7


def main() -> dict[str, Any]:
    model = shop.model()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with threadpool_limits(1):
        rankers = measure(model, load_task(shop.examples()), REQUESTS)
    return {"cut": CUTS[-1], "requests": REQUESTS, "k": K, "rankers": rankers}


def measure(model: Path, task: Task, requests: int) -> dict[str, dict[str, float]]:
    """{ranker: {cpu_ms_p50, cpu_ms_p99}} over the first judged trips, one request after the other."""
    from model.package import loaded_model as package

    figures: dict[str, dict[str, float]] = {}
    for name, (make, _) in PEERS.items():
        about = model.parent / "lists" / f"{name}.json"
        if about.exists():
            progress(name)
            peer = make(**read_json(about)["settings"]).fit(task.trips)
            figures |= cpu_ms({name: peer}, task, requests)
    return figures | cpu_ms({AISLE: package.load(model)}, task, requests)


def cpu_ms(models: Mapping[str, Model], task: Task, requests: int) -> dict[str, dict[str, float]]:
    """{name: {cpu_ms_p50, cpu_ms_p99}} of all threads of this process together, the models in turns.

    The first few requests warm up and are not counted.
    """
    asked = [request_of(task.trips, int(trip), K) for trip in task.trip_N[:requests]]
    spent: dict[str, list[float]] = {name: [] for name in models}
    for request in [asked[0], *asked[:5], *asked]:
        for name, model in models.items():
            began = time.process_time()
            model.recommend([request])
            spent[name].append(1000 * (time.process_time() - began))
    quantiles = {name: np.quantile(milliseconds[6:], [0.5, 0.99]) for name, milliseconds in spent.items()}
    return {name: {"cpu_ms_p50": float(p50), "cpu_ms_p99": float(p99)} for name, (p50, p99) in quantiles.items()}
