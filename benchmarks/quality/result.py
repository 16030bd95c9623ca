"""From the lists that benchmarks/quality/work.py left to build/bench/quality.json. Shape legend: N trips, R rounds."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.result_file import write_result
from benchmarks.harness.study import RANKED, Judged, Values, delta, interval
from model.errors import CheckFailed
from model.evaluation import ranking_metrics as metrics
from model.files import read_json

AISLE, TREES, TUTORIAL = "aisle", "trees", "TFRS tutorial"
POPULARITY = "popularity"
LISTS, NEW = "lists", "new"
"""Folders of the lists of a cut: all ten of every shopper, and of what is new to the shopper alone."""
JUDGED_NEW = ("explore_recall@10", "explore_recall@20")


def write(folder: Path, seed: int) -> Path:
    """Judges what is there of every cut; returns the path of the result."""
    cuts = [judge(cut, seed) for cut in sorted(folder.glob("????-??-??")) if list(cut.glob("lists/*.json"))]
    return write_result("quality", {"cuts": cuts}, seed)


def judge(folder: Path, seed: int) -> dict[str, Any]:
    """One cut. Rankers that are not there yet are left out, and what follows from them."""
    judged = Judged(folder / "examples")
    task = judged.task
    lists = {path.stem: np.load(path) for path in sorted((folder / LISTS).glob("*.npy"))}
    about = {name: read_json(folder / LISTS / f"{name}.json") for name in lists}
    for name, report in about.items():
        if report["digest"] != task.digest:
            raise CheckFailed(
                f"expected lists for the trips in {folder}, got others in {name}; remove lists/{name}.json"
            )
    first = f"{AISLE}-{seed}"
    values = {name: judged.by_trip(items, ()) for name, items in lists.items()}
    models = _levels(judged, values, lists, seed)
    result: dict[str, Any] = {"cut": folder.name, "trips": len(task.trip_N), "span": task.span, "items": judged.active}
    new = {name: np.load(path) for name in lists if (path := folder / NEW / f"{name}.npy").exists()}
    if first in new:
        explored = {
            name: {f"explore_recall@{k}": metrics.explore_recall(judged.hits(items), k) for k in (10, 20)}
            for name, items in new.items()
        }
        levels = _renamed(_levels(judged, explored, new, seed), first)
        result["new_only"] = {"models": levels, "paired": _paired(explored, first, seed, JUDGED_NEW)}
    if first in lists:
        result |= {"paired": _paired(values, first, seed, RANKED)}
        result |= _union(folder / f"union-{seed}.npz", judged.baskets)
        means = {
            metric: [model[metric]["mean"] for name, model in models.items() if name.startswith(f"{AISLE}-")]
            for metric in models[first]
        }
        result["seeds"] = {
            metric: {"seeds": len(each), "mean": float(np.mean(each)), "low": min(each), "high": max(each)}
            for metric, each in means.items()
        }
    steps = {path.stem.removeprefix("step-"): read_json(path) for path in sorted(folder.glob("step-*.json"))}
    return result | {"models": _renamed(models, first), "about": _renamed(about, first), "steps": steps}


def best_classical(means: dict[str, float]) -> str:
    """The name with the highest mean among the classical peers: no trees, no model of ours, not the tutorial's."""
    classical = {n: m for n, m in means.items() if n not in (TREES, TUTORIAL) and not n.startswith(AISLE)}
    return max(classical, key=classical.__getitem__)


def _renamed(by_ranker: dict[str, Any], first: str) -> dict[str, Any]:
    return {AISLE if name == first else name: value for name, value in by_ranker.items()}


def _levels(judged: Judged, values: dict[str, Values], lists: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    """{ranker: {metric: interval, coverage}}."""
    return {
        name: {metric: interval(value_N, seed) for metric, value_N in of_ranker.items()}
        | {metrics.COVERAGE: {"mean": judged.coverage(lists[name])}}
        for name, of_ranker in values.items()
    }


def _paired(values: dict[str, Values], first: str, seed: int, compared: tuple[str, ...]) -> dict[str, Any]:
    """{metric: {best_classical, delta_pct, low_pct, high_pct, against {name: interval}}}: Aisle over each peer."""
    paired: dict[str, Any] = {}
    for metric in compared:
        against = {
            name: delta(values[first][metric], of_model[metric], seed)
            for name, of_model in values.items()
            if not name.startswith(AISLE)
        }
        if POPULARITY in against:
            best = best_classical({name: metrics.mean_defined(of[metric]) for name, of in values.items()})
            paired[metric] = {"best_classical": best} | against[best] | {"against": against}
    return paired


def _union(path: Path, baskets: list[np.ndarray]) -> dict[str, Any]:
    """Share of the basket among the candidates, mean over trips, and how many there are; an item of several sources
    counts for the first."""
    with np.load(path) as union:
        items, sources = union["items"], union["sources"]
    hit = np.array([np.isin(row, basket) for row, basket in zip(items, baskets, strict=True)])
    size_N = np.array([len(basket) for basket in baskets])
    shown = items != metrics.NO_ITEM
    by_source = {
        str(source): {
            "recall": float(((hit & (sources == source)).sum(axis=1) / size_N).mean()),
            "candidates": float((sources == source).sum(axis=1).mean()),
        }
        for source in np.unique(sources[shown])
    }
    return {
        "union_recall": float((hit.sum(axis=1) / size_N).mean()),
        "candidates": float(shown.sum(axis=1).mean()),
        "candidates_limit": items.shape[1],
        "sources": by_source,
    }
