"""One step of the quality benchmark in a process of its own: trains, lists 20 items for every judged trip, and ends.

A ranker leaves lists/NAME.npy, [N, 20] item indices, new/NAME.npy, the same of what is new to the shopper
(Request.new_only), and lists/NAME.json, its settings and costs.
"""

import dataclasses
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.quality.result import LISTS, NEW, TREES, TUTORIAL
from components.evaluate.predictions import lists, request_of
from components.kfp_support.progress import progress
from model.api import Model
from model.data.catalog import Catalog
from model.evaluation.next_basket_task import Task, load_task
from model.evaluation.ranking_metrics import NO_ITEM
from model.files import read_json, write_json
from tfx_configs.recipes import full
from tfx_configs.stages import TrainStage

if TYPE_CHECKING:
    from model.package.loaded_model import LoadedModel

K = 20
UNION = 600
"""Candidates whose recall is reported; a request ranks fewer of them."""
UNIONS = {"union": False, "union-new": True}
"""{name of a file of candidates: whether they are of a list of what is new to the shopper}"""
PUBLISHED = Path(__file__).parents[1] / "results" / "quality.json"


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
        items, sources = whole_union(model, task, new_only)
        np.savez_compressed(folder / f"{name}-{seed}.npz", items=items, sources=sources)
    _ask(folder, f"aisle-{seed}", model, about, task)


def whole_union(model: "LoadedModel", task: Task, new_only: bool) -> tuple[np.ndarray, np.ndarray]:
    """Items [N, UNION] in ranked order, padded with NO_ITEM, and the source of each, padded with ""."""
    column = pd.Index(task.trips.item_ids)
    items = np.full((len(task.trip_N), UNION), NO_ITEM, np.int64)
    sources = np.full((len(task.trip_N), UNION), "", dtype="U16")
    for start in range(0, len(task.trip_N), 64):
        part = task.trip_N[start : start + 64]
        requests = [request_of(task.trips, int(trip), UNION, new_only=new_only) for trip in part]
        for row, answer in enumerate(model.recommend(requests, ranked=UNION), start=start):
            items[row, : len(answer.item_ids)] = column.get_indexer(answer.item_ids)
            sources[row, : len(answer.reasons)] = answer.reasons
    return items, sources


def trees(folder: Path, task: Task, seed: int) -> None:
    """LightGBM on the candidates of Aisle's model of the same seed."""
    from benchmarks.peers.trees import SETTINGS, rank, train_trees

    run, catalog = TrainStage.of(full().training(seed=seed)), Catalog.load(folder / "examples" / Catalog.DIRECTORY)
    began = time.perf_counter()
    booster = train_trees(run, task.trips, catalog)
    about = _cost(began) | {"settings": SETTINGS | {"trees": booster.best_iteration}}
    ranked = []
    for name in UNIONS:
        with np.load(folder / f"{name}-{seed}.npz") as union:
            ranked.append(rank(booster, run, task.trips, catalog, task.trip_N, union["items"], K))
    _write(folder, TREES, ranked[0], ranked[1], about, task)


def tutorial(folder: Path, task: Task, seed: int) -> None:
    """The plain TFRS tutorial model."""
    from benchmarks.peers.tutorial import Tutorial

    began = time.perf_counter()
    peer = Tutorial(seed).fit(task.trips)
    _ask(folder, TUTORIAL, peer, _cost(began), task, batch=len(task.trip_N))


def classical(folder: Path, task: Task, seed: int, search: bool = False) -> None:
    """Every classical peer whose lists are not there yet: fitted with the settings that the published result chose on
    the same trips, searched where it has none or `search`, asked."""
    from benchmarks.peers.registry import METRIC, PEERS, Chosen, choose

    cuts = read_json(PUBLISHED)["cuts"] if PUBLISHED.exists() and not search else []
    published = {name: about for of in cuts if of["cut"] == folder.name for name, about in of["about"].items()}
    for name, (make, grid) in PEERS.items():
        if (folder / "lists" / f"{name}.json").exists():
            continue
        earlier = published.get(name, {})
        if earlier.get("digest") == task.digest and "tried" in earlier:
            chosen = Chosen(settings=earlier["settings"], tried=earlier["tried"])
        else:
            chosen = choose(make, grid, task.trips)
        began = time.perf_counter()
        peer = make(**chosen.settings).fit(task.trips)
        about = {"seconds": round(time.perf_counter() - began, 1)} | dataclasses.asdict(chosen)
        best = max((setting[METRIC] for setting in chosen.tried), default=float("nan"))
        progress(f"{name}: {chosen.settings}, {best:.4f}")
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
    "classical": classical,
    "search": partial(classical, search=True),
    "aisle": aisle,
    "trees": trees,
    "tutorial": tutorial,
}
