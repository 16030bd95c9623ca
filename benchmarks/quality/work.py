"""One step of the quality benchmark in a process of its own: trains, lists 20 items for every judged trip, and ends.

A ranker leaves lists/NAME.npy, [N, 20] item indices, new/NAME.npy, the same of what is new to the shopper
(Request.new_only), and lists/NAME.json, its settings and costs.
"""

import dataclasses
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.harness.shop import SEEDS, VALIDATION_END, seconds
from benchmarks.quality.result import CHOSEN, LISTS, NEW, NEW_RECALL_AT, TREES, TUTORIAL, chosen
from components.evaluate.predictions import lists, request_of
from components.kfp_support.progress import progress
from model.api import Model
from model.data.catalog import Catalog
from model.evaluation.next_basket_task import Task, load_task
from model.evaluation.ranking_metrics import NO_ITEM
from model.files import write_json
from tfx_configs.recipes import full
from tfx_configs.stages import BaselinesStage, TrainStage

if TYPE_CHECKING:
    from model.package.loaded_model import LoadedModel

K = 20
UNION = 600
"""Candidates that trees rank; a request ranks fewer of them."""
UNIONS = {"union": False, "union-new": True}
"""{name of a file of candidates: whether they are of a list of what is new to the shopper}"""
GATE = {
    "personal_frequency": "personal frequency",
    "popular_unseen": "popular unseen",
    "logistic": "the gate's logistic",
}
"""{the product's baseline: its name in the result}; its others are peers already."""
PROMOTIONS = "logistic with promotions"


@threadpool_limits.wrap(limits=1, user_api="blas")
def main(step: str, cut: str, seed: str) -> None:
    """One of STEPS; `cut`: the folder with the examples of one."""
    folder = Path(cut)
    for kind in (LISTS, NEW):
        (folder / kind).mkdir(exist_ok=True)
    STEPS[step](folder, load_task(folder / "examples"), int(seed))


def aisle(folder: Path, task: Task, seed: int) -> None:
    """Trains, then answers, and lists the UNION most promising candidates for union.npz."""
    from components.train.run import train
    from model.package import loaded_model as package

    run = full().training(seed=seed)
    directory = folder / f"model-{seed}"
    began = time.perf_counter()
    _, record = train(run=TrainStage.of(run), examples_dir=folder / "examples", model_dir=directory)
    about = _cost(began) | {"seed": seed, "train_trips": record.train_trips, "curves": record.as_json()["curves"]}
    model = package.load(directory)
    for name, new_only in UNIONS.items():
        items, sources = whole_union(model, task, new_only, max(NEW_RECALL_AT) if new_only else UNION)
        np.savez_compressed(folder / f"{name}-{seed}.npz", items=items, sources=sources)
    _ask(folder, f"aisle-{seed}", model, about, task)


def whole_union(model: "LoadedModel", task: Task, new_only: bool, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Items [N, most] in ranked order, padded with NO_ITEM, and the source of each, padded with ""."""
    column = pd.Index(task.trips.item_ids)
    items = np.full((len(task.trip_N), most), NO_ITEM, np.int64)
    sources = np.full((len(task.trip_N), most), "", dtype="U16")
    for start in range(0, len(task.trip_N), 64):
        part = task.trip_N[start : start + 64]
        requests = [request_of(task.trips, int(trip), most, new_only=new_only) for trip in part]
        for row, answer in enumerate(model.recommend(requests, ranked=most), start=start):
            items[row, : len(answer.item_ids)] = column.get_indexer(answer.item_ids)
            sources[row, : len(answer.reasons)] = answer.reasons
    return items, sources


def trees(folder: Path, task: Task, seed: int) -> None:
    """LightGBM with each of SEEDS on the candidates of Aisle's model of the same seed, with the settings chosen."""
    from benchmarks.peers.trees import SETTINGS, rank, ranking_rows, train_trees

    run, catalog = TrainStage.of(full().training(seed=seed)), Catalog.load(folder / "examples" / Catalog.DIRECTORY)
    began = time.perf_counter()
    rows = ranking_rows(run, task.trips, catalog)
    rows_s, settings = time.perf_counter() - began, chosen()[TREES]["settings"]
    for other in SEEDS:
        began = time.perf_counter() - rows_s
        booster = train_trees(*rows, settings, other)
        about = _cost(began) | {"seed": other, "settings": SETTINGS | settings | {"trees": booster.best_iteration}}
        ranked = []
        for name in UNIONS:
            with np.load(folder / f"{name}-{other}.npz") as union:
                ranked.append(rank(booster, run, task.trips, catalog, task.trip_N, union["items"], K))
        _write(folder, f"{TREES}-{other}", ranked[0], ranked[1], about, task)


def gate(folder: Path, task: Task, seed: int) -> None:
    """The baselines of the gate, as the product exports them, and its logistic regression with promotions."""
    from components.train.baselines.export import export_baselines, ranking_all
    from components.train.baselines.logistic import logistic_weights
    from components.train.trip_split import training_trips
    from model.baselines.frequency import Logistic, own_inputs
    from model.data.batch import TripReader
    from model.features.matrix import Features
    from model.package import loaded_model as package
    from model.package.export import export
    from model.ranking.recommender import Recommender

    everything = full()
    asked = everything.gate.replace(baselines=("popularity", *GATE))
    run = ranking_all(BaselinesStage.of(everything.replace(gate=asked)))
    export_baselines(run, str(folder / "examples"), str(folder / "gate"))
    for name, label in GATE.items():
        _ask(folder, label, package.load(folder / "gate" / name), {}, task)
    catalog = Catalog.load(folder / "examples" / Catalog.DIRECTORY)
    features, learning = Features(catalog, run.features), training_trips(task.trips, run.train).ranking
    names = (*own_inputs(features.names), *(name for name in features.names if name.startswith("on_")))
    weights = logistic_weights(features, TripReader(task.trips, catalog), learning, seed, names)
    served = catalog.as_served()
    recommender = Recommender(served, run.features, run.candidates, Logistic(features.names, weights))
    promotions = folder / "gate" / "promotions"
    export(promotions, "logistic", recommender, served, features=run.features, candidates=run.candidates)
    _ask(folder, PROMOTIONS, package.load(promotions), {"settings": weights}, task)


def tutorial(folder: Path, task: Task, seed: int) -> None:
    """The plain TFRS tutorial model."""
    from benchmarks.peers.tutorial import Tutorial

    began = time.perf_counter()
    peer = Tutorial(seed).fit(task.trips)
    _ask(folder, TUTORIAL, peer, _cost(began), task, batch=len(task.trip_N))


def search(folder: Path, task: Task, seed: int) -> None:
    """Chooses the settings of every peer on the trips of the validation cut; what is chosen already stays."""
    from benchmarks.peers.registry import METRIC, PEERS, choose
    from benchmarks.peers.trees import GRID, ranking_rows, reached, train_trees

    which = task.trip_N[task.trips.time_T[task.trip_N] < seconds(VALIDATION_END)]
    for name, (make, grid) in PEERS.items():
        if name not in chosen():
            best = choose(make, grid, task.trips, which)
            progress(f"{name}: {best.settings}, {max((each[METRIC] for each in best.tried), default=0.0):.4f}")
            _keep(name, dataclasses.asdict(best))
    run, catalog = TrainStage.of(full().training(seed=seed)), Catalog.load(folder / "examples" / Catalog.DIRECTORY)
    rows = ranking_rows(run, task.trips, catalog)
    tried: list[dict[str, Any]] = []
    for settings in GRID:
        tried.append({"settings": settings, METRIC: reached(train_trees(*rows, settings, seed))})
        progress(f"trees: {tried[-1]}")
    _keep(TREES, {"settings": max(tried, key=lambda each: each[METRIC])["settings"], "tried": tried})


def _keep(name: str, choice: dict[str, Any]) -> None:
    write_json(CHOSEN, chosen() | {name: choice})


def classical(folder: Path, task: Task, seed: int) -> None:
    """Every classical peer whose lists are not there yet, with the settings chosen at the validation cut."""
    from benchmarks.peers.registry import PEERS

    for name, choice in chosen().items():
        if name == TREES or (folder / LISTS / f"{name}.json").exists():
            continue
        began = time.perf_counter()
        peer = PEERS[name][0](**choice["settings"]).fit(task.trips)
        about = {"seconds": round(time.perf_counter() - began, 1), "settings": choice["settings"]}
        _ask(folder, name, peer, about, task, batch=len(task.trip_N))


def _cost(began: float) -> dict[str, Any]:
    """Seconds since then, and the largest memory of this process so far."""
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mb": round(peak_kb / 1000)}


def _ask(folder: Path, name: str, model: Model, about: dict[str, Any], task: Task, batch: int = 64) -> None:
    """Writes a ranker's lists of both kinds."""
    every, new = (
        lists(model, task.trips, task.trip_N, K, batch, new_only=new_only).items_Nk for new_only in (False, True)
    )
    _write(folder, name, every, new, about, task)


def _write(folder: Path, name: str, all_NK: np.ndarray, new_NK: np.ndarray, about: dict[str, Any], task: Task) -> None:
    np.save(folder / NEW / f"{name}.npy", new_NK)
    np.save(folder / LISTS / f"{name}.npy", all_NK)
    write_json(folder / LISTS / f"{name}.json", about | {"digest": task.digest})


STEPS: dict[str, Callable[[Path, Task, int], None]] = {
    "search": search,
    "classical": classical,
    "gate": gate,
    "aisle": aisle,
    "trees": trees,
    "tutorial": tutorial,
}
