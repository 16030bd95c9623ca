"""Are Aisle's scores the chances of a purchase? At each cut of the quality benchmark, as exported and without Platt.

`python -m benchmarks calibration` needs the models that `python -m benchmarks quality` left, and writes
build/bench/calibration.json.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import shop
from components.evaluate.predictions import Lists, lists
from components.kfp_support.progress import progress
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task, load_task
from model.files import read_json
from model.networks import weights
from model.package import loaded_model as package
from model.package.manifest import TRAINING

K = 10
SEED = 7
DRAWS = 20
"""Worlds in which every score is true by construction, for the error that chance alone makes."""


def main() -> dict[str, Any]:
    return {"cuts": [measure(cut) for cut in shop.CUTS]}


def measure(cut: str) -> dict[str, Any]:
    """One cut. Raises InputError for a model without a ranker."""
    directory, task = shop.model(cut), load_task(shop.examples(cut))
    line = fitted(directory)
    progress(f"{cut}: {len(task.trip_N):,} trips")
    listed = lists(package.load(directory), task.trips, task.trip_N, K, batch=64)
    return {"cut": cut, "trips": len(task.trip_N), "line": line} | judge(task, listed, line)


def fitted(directory: Path) -> dict[str, float]:
    """{slope, offset} of the line fitted after the one that undoes the sampling of negatives, from the weights: these a
    refresh takes over."""
    stored = weights.read(directory).items()
    line = {name.split("-")[-1]: float(value) for name, value in stored if name.endswith(("-slope", "-offset"))}
    if not line:
        raise InputError(f"{directory}: expected a model with a ranker's line, found none; run `make bench-quality`")
    sampled = math.log(read_json(directory / TRAINING)["settings"]["train"]["negative_percent"] / 100)
    return {"slope": line["slope"], "offset": line["offset"] - line["slope"] * sampled}


def judge(task: Task, listed: Lists, line: dict[str, float]) -> dict[str, Any]:
    """{platt, sampling_only: {error, ratio, curve}, chance_error}: `sampling_only` has the fitted line taken off."""
    histories = [np.empty(0, np.int64)] * len(task.trip_N)
    baskets = [task.trips.basket(int(trip)) for trip in task.trip_N]
    hit_NK = metrics.find_hits(listed.items_Nk, baskets, histories).hit_TK
    logit_NK = (np.log(listed.score_Nk / (1 - listed.score_Nk)) - line["offset"]) / line["slope"]
    rng = np.random.default_rng(SEED)
    chance = [
        metrics.calibration_error(metrics.reliability(listed.score_Nk, rng.random(hit_NK.shape) < listed.score_Nk, K))
        for _ in range(DRAWS)
    ]
    return {
        "platt": _reported(listed.score_Nk, hit_NK),
        "sampling_only": _reported(1 / (1 + np.exp(-logit_NK)), hit_NK),
        "chance_error": float(np.mean(chance)),
    }


def _reported(score_NK: np.ndarray, hit_NK: np.ndarray) -> dict[str, Any]:
    curve = metrics.reliability(score_NK, hit_NK, K)
    return {
        "error": metrics.calibration_error(curve),
        "ratio": metrics.calibration_ratio(curve),
        "curve": [dataclasses.asdict(bin_) for bin_ in curve],
    }
