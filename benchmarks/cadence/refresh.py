"""A model that is four weeks old: left as it is, refreshed, trained a little further, trained again from scratch.

`python -m benchmarks refresh` does what is not there yet in build/bench/refresh and writes
build/bench/refresh.json: all four answer the same judged trips. About a quarter of an hour on two cores, most of it two
trainings from scratch.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cadence.__main__ import Walk
from benchmarks.harness import study
from benchmarks.harness.result_file import RESULTS
from benchmarks.harness.shop import seconds
from benchmarks.harness.study import RANKED, Judged, Measured, Study, interval
from components.evaluate.predictions import lists
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task
from model.files import read_json
from model.package.loaded_model import load
from tfx_configs.recipes import full
from tfx_configs.settings import Start

PARENT, CUT = "2017-11-06", "2017-12-04"
STALE, SCRATCH = "stale", "scratch"
STARTS: tuple[Start, ...] = ("refresh", "warm", "scratch")
FOLDER = RESULTS / "refresh"
K, SEED = 10, 7


def main(most: study.Most = None) -> dict[str, Any]:
    walk = Walk(folder=FOLDER, run=full(), weeks=0)
    walk.ingest()
    parent, judged = walk.model(seconds(PARENT)), Judged(walk.examples(seconds(CUT)))
    models: dict[str, Callable[[], Path]] = {STALE: lambda: parent}
    models |= {start: partial(trained, walk, start, parent) for start in STARTS}
    variants = {name: partial(measure, model, judged) for name, model in models.items()}
    of = Study(folder=FOLDER / "lists", variants=variants, reference=STALE, seed=SEED)
    study.measure({"models": of}, most)
    return result(of, judged)


def trained(walk: Walk, start: Start, parent: Path) -> Path:
    """The model directory of CUT that began so, with what it cost beside it."""
    if start == SCRATCH:
        return walk.model(seconds(CUT))
    places = ("--input", str(walk.examples(seconds(CUT))), "--parent", str(parent))
    return walk.job("train", start, seconds(CUT), walk.run.training(start=start), *places)


def measure(model: Callable[[], Path], judged: Judged) -> Measured:
    """One model's lists; new are items that no shopper had bought before the parent's cut."""
    items_NK = lists(load(model()), judged.trips, judged.which, K).items_Nk
    values, about = judged.measured(items_NK)
    return values, about | {"new_hits": new_hits(items_NK, judged.baskets, new_items(judged.task))}


def result(of: Study, judged: Judged) -> dict[str, Any]:
    """{parent, cut, trips, span, models {name: {metric: {mean, low, high}, coverage@10, new_hits}}, over_stale and
    over_scratch {name: {metric: percent with its interval}}, new_purchases, purchases, cost {start: what it took}}.

    Of new_purchases in the baskets, new_hits were shown.
    """
    new = new_items(judged.task)
    over = {
        reference: {row["name"]: row["over"] for row in of.compared(reference) if row["over"]}
        for reference in (STALE, SCRATCH)
    }
    models = {
        row["name"]: {metric: interval(of.values(row["name"])[metric], SEED) for metric in RANKED}
        | {key: row[key] for key in (metrics.COVERAGE, "new_hits")}
        for row in of.compared()
    }
    return {
        "parent": PARENT,
        "cut": CUT,
        "trips": len(judged.which),
        "span": judged.task.span,
        "models": models,
        "over_stale": over[STALE],
        "over_scratch": over[SCRATCH],
        "new_purchases": int(sum(np.isin(basket, new).sum() for basket in judged.baskets)),
        "purchases": int(sum(len(basket) for basket in judged.baskets)),
        "cost": {start: _cost(start) for start in STARTS},
    }


def new_items(task: Task) -> np.ndarray:
    """Indices of the items that no shopper bought before the parent's cut."""
    old = np.unique(task.trips.event_item_E[task.trips.event_time_E < seconds(PARENT)])
    return np.setdiff1d(np.arange(len(task.trips.item_ids)), old)


def new_hits(items_NK: np.ndarray, baskets: list[np.ndarray], new: np.ndarray) -> int:
    """How many new items were shown and bought."""
    shown = [np.intersect1d(row, new) for row in items_NK]
    return int(sum(np.isin(items, basket).sum() for items, basket in zip(shown, baskets, strict=True)))


def _cost(start: str) -> dict[str, Any]:
    """From scratch: that of the parent's own training."""
    file = FOLDER / PARENT / "model.cost.json" if start == SCRATCH else FOLDER / CUT / f"{start}.cost.json"
    cost = read_json(file)
    return {key: cost[key] for key in ("cpu_s", "peak_mb")}
