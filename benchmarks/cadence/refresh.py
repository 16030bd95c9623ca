"""A model that is four weeks old: left as it is, refreshed, trained a little further, trained anew.

`python -m benchmarks.cadence.refresh` does what is not there yet in build/bench/refresh and writes
build/bench/refresh.json: all four answer the same judged trips. About a quarter of an hour on two cores, most of it two
trainings from scratch.
"""

import calendar
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cadence.__main__ import Walk
from benchmarks.harness import process as child
from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.quality.result import ROUNDS, interval
from components.evaluate.predictions import recommend_all
from components.ingest.run import ingest
from components.kfp_support.progress import progress
from model.data.catalog import Catalog
from model.errors import StageFailed
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task, load_task
from model.files import read_json, write_json, write_text
from model.package.loaded_model import load
from tfx_configs.recipes import full
from tfx_configs.settings import Start

PARENT, CUT = "2017-11-06", "2017-12-04"
STALE = "stale"
STARTS: tuple[Start, ...] = ("refresh", "warm", "scratch")
FOLDER = RESULTS / "refresh"
K, SEED = 10, 7
METRICS = ("ndcg@10", "recall@10", "explore_recall@10")


def main() -> None:
    run = full()
    if not (FOLDER / "tables").exists():
        ingest(data=run.data, tables_dir=FOLDER / "tables")
    walk = Walk(folder=FOLDER, run=run, weeks=0)
    parent = walk.model(_seconds(PARENT))
    task = load_task(walk.examples(_seconds(CUT)))
    models = {STALE: parent} | {start: trained(walk, start, parent) for start in STARTS}
    lists = {name: answered(name, directory, task) for name, directory in models.items()}
    print(write_result("refresh", judge(lists, task), SEED))


def trained(walk: Walk, start: Start, parent: Path) -> Path:
    """The model directory of CUT that began so, made in a process of its own, with what it cost beside it."""
    folder = FOLDER / CUT
    if start == "scratch":
        return walk.model(_seconds(CUT))
    out, settings = folder / start, folder / f"{start}.settings.json"
    if not out.exists():
        run = walk.run.training(start=start).replace(data=walk.run.data.replace(cut_date=CUT))
        write_text(settings, run.to_json())
        places = ["--input", str(folder / "examples"), "--parent", str(parent), "--out", str(out)]
        ended = child.run([sys.executable, "-m", "components.job", "train", "--settings", str(settings), *places])
        if ended.code:
            raise StageFailed(f"expected {start} at {CUT} to end well, got exit code {ended.code}")
        write_json(folder / f"{start}.cost.json", dataclasses.asdict(ended))
    return out


def answered(name: str, directory: Path, task: Task) -> np.ndarray:
    """[N, K] item indices, from disk when they are there."""
    file = FOLDER / "lists" / f"{name}.npy"
    if not file.exists():
        progress(f"{name}: {len(task.trip_N):,} lists")
        file.parent.mkdir(exist_ok=True)
        np.save(file, recommend_all(load(directory), task.trips, task.trip_N, K))
    return np.load(file)


def judge(lists: dict[str, np.ndarray], task: Task) -> dict[str, Any]:
    """{parent, cut, trips, span, models {name: {metric: {mean, low, high}, coverage@10, new_hits}}, over_stale and
    over_scratch {name: {metric: percent with its interval}}, new_purchases, purchases, cost {start: what it took}}.

    New are items that nobody had bought before the parent's cut: new_hits of them were shown and bought, of
    new_purchases in the baskets.
    """
    baskets = [task.trips.basket(int(trip)) for trip in task.trip_N]
    histories = [task.trips.event_item_E[task.trips.history(int(trip))] for trip in task.trip_N]
    bits = task.self_information()
    by_trip = {
        name: metrics.by_trip(metrics.find_hits(items, baskets, histories, bits)) for name, items in lists.items()
    }
    active = len(Catalog.load(FOLDER / CUT / "examples" / Catalog.DIRECTORY).active_items())
    new = new_items(task)
    models = {
        name: {metric: interval(by_trip[name][metric], SEED) for metric in METRICS}
        | {metrics.COVERAGE: metrics.coverage(items, K, active), "new_hits": new_hits(items, baskets, new)}
        for name, items in lists.items()
    }
    return {
        "parent": PARENT,
        "cut": CUT,
        "trips": len(task.trip_N),
        "span": task.span,
        "models": models,
        "over_stale": _over(by_trip, STALE),
        "over_scratch": _over(by_trip, "scratch"),
        "new_purchases": int(sum(np.isin(basket, new).sum() for basket in baskets)),
        "purchases": int(sum(len(basket) for basket in baskets)),
        "cost": {start: _cost(start) for start in STARTS},
    }


def new_items(task: Task) -> np.ndarray:
    """Indices of the items that nobody bought before the parent's cut."""
    known = np.unique(task.trips.event_item_E[task.trips.event_time_E < _seconds(PARENT)])
    return np.setdiff1d(np.arange(len(task.trips.item_ids)), known)


def new_hits(items_NK: np.ndarray, baskets: list[np.ndarray], new: np.ndarray) -> int:
    """How many new items were shown and bought."""
    shown = [np.intersect1d(row, new) for row in items_NK]
    return int(sum(np.isin(found, basket).sum() for found, basket in zip(shown, baskets, strict=True)))


def _over(by_trip: dict[str, dict[str, np.ndarray]], reference: str) -> dict[str, dict[str, Any]]:
    return {
        name: {
            metric: dataclasses.asdict(
                metrics.paired_delta(values[metric], by_trip[reference][metric], seed=SEED, rounds=ROUNDS)
            )
            for metric in METRICS
        }
        for name, values in by_trip.items()
        if name != reference
    }


def _cost(start: str) -> dict[str, Any]:
    """From scratch: that of the parent's own training."""
    file = FOLDER / PARENT / "model.cost.json" if start == "scratch" else FOLDER / CUT / f"{start}.cost.json"
    found = read_json(file)
    return {key: found[key] for key in ("cpu_s", "peak_mb")}


def _seconds(date: str) -> int:
    return calendar.timegm(time.strptime(date, "%Y-%m-%d"))


if __name__ == "__main__":
    main()
