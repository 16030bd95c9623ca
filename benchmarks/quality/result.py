"""From the lists that benchmarks/quality/work.py left to build/bench/quality.json.

Shape legend: S seeds, N judged trips, K items listed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import shop
from benchmarks.harness.result_file import write_result
from benchmarks.harness.seeds import Pair, lead, mean_interval
from benchmarks.harness.study import RANKED, Judged
from model.errors import CheckFailed
from model.evaluation import ranking_metrics as metrics
from model.files import read_json

AISLE, TREES, TUTORIAL = "aisle", "trees", "TFRS tutorial"
POPULARITY = "popularity"
SEEDED = (AISLE, TREES)
"""Rankers that leave lists for every seed, NAME-SEED."""
LISTS, NEW = "lists", "new"
"""Folders of the lists of a cut: all ten of every shopper, and of what is new to the shopper alone."""
CHOSEN = shop.FOLDER / "chosen.json"
"""Of `chosen`."""
JUDGED_NEW = ("explore_recall@10", "explore_recall@20")
NEW_RECALL_AT = (100, 300, 1000)
Values = dict[str, dict[str, np.ndarray]]
"""{ranker: {metric: [S, N]}}"""


def write(folder: Path, seed: int) -> Path:
    """Judges what is there of every cut; returns the path of the result."""
    paths = [path for cut in shop.CUTS if list((path := folder / cut).glob("lists/*.json"))]
    cuts = [Cut(path) for path in paths]
    result = {
        "validation_cut": shop.VALIDATION_CUT,
        "seeds": list(shop.SEEDS),
        "chosen": chosen(),
        "cuts": [cut.judged(seed) for cut in cuts],
        "all_cuts": all_cuts(cuts, seed) if all({AISLE, POPULARITY} <= cut.values.keys() for cut in cuts) else {},
    }
    return write_result("quality", result, seed)


def chosen() -> dict[str, Any]:
    """{peer: {settings, tried}}, as chosen so far at the validation cut."""
    return read_json(CHOSEN) if CHOSEN.exists() else {}


class Cut:
    """What the rankers listed at one cut; those that are not there yet are left out."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckFailed where lists are of other trips."""
        self.folder, self._judged = folder, Judged(folder / "examples")
        self.task = self._judged.task
        self.shopper_N = self.task.trips.user_T[self.task.trip_N]
        paths = sorted((folder / LISTS).glob("*.npy"))
        self.about = {path.stem: read_json(path.with_suffix(".json")) for path in paths}
        for name, about in self.about.items():
            if about["digest"] != self.task.digest:
                raise CheckFailed(
                    f"expected lists for the trips in {folder}, got others in {name}; remove lists/{name}.json"
                )
        self.lists = _by_ranker({path.stem: np.load(path) for path in paths})
        self.new = _by_ranker({path.stem: np.load(path) for path in sorted((folder / NEW).glob("*.npy"))})
        self.values: Values = {
            name: _stacked([self._judged.by_trip(items_NK, ()) for items_NK in of_seeds])
            for name, of_seeds in self.lists.items()
        }
        self.explored: Values = {
            name: _stacked([self._explored(items_NK) for items_NK in of_seeds]) for name, of_seeds in self.new.items()
        }

    def judged(self, seed: int) -> dict[str, Any]:
        """The cut's part of the result."""
        result: dict[str, Any] = {"cut": self.folder.name, "trips": len(self.task.trip_N), "span": self.task.span}
        result |= {"items": self._judged.active, "models": self._levels(self.values, self.lists, seed)}
        if AISLE in self.explored:
            paired = {metric: self.paired(self.explored, metric, seed) for metric in JUDGED_NEW}
            result["new_only"] = {"models": self._levels(self.explored, self.new, seed), "paired": paired}
        if AISLE in self.values:
            result["paired"] = {metric: self.paired(self.values, metric, seed) for metric in RANKED}
            result["by_seed"] = {
                name: {metric: _means(self.values[name][metric]) for metric in RANKED}
                for name in SEEDED
                if name in self.values
            }
            result |= self._candidates()
        steps = {path.stem.removeprefix("step-"): read_json(path) for path in sorted(self.folder.glob("step-*.json"))}
        about = {_ranker(name): self.about[name] for name in sorted(self.about, reverse=True)}
        return result | {"about": about, "steps": steps}

    def paired(self, values: Values, metric: str, seed: int) -> dict[str, Any]:
        """{best_classical, delta_pct, low_pct, high_pct, trees_..., against {name: interval}}: Aisle over each."""
        against = {name: lead([self.pair(values, name, metric)], seed) for name in values if name != AISLE}
        paired: dict[str, Any] = {"against": against}
        if TREES in against:
            paired |= {f"{TREES}_{name}": value for name, value in against[TREES].items()}
        if POPULARITY in against:
            best = best_classical({name: metrics.mean_defined(of[metric].ravel()) for name, of in values.items()})
            paired |= {"best_classical": best} | against[best]
        return paired

    def pair(self, values: Values, name: str, metric: str) -> Pair:
        """Aisle beside a ranker of that name."""
        return Pair(self.shopper_N, values[AISLE][metric], values[name][metric])

    def _explored(self, items_NK: np.ndarray) -> dict[str, np.ndarray]:
        hits = self._judged.hits(items_NK)
        return {name: metrics.explore_recall(hits, int(name.rpartition("@")[2])) for name in JUDGED_NEW}

    def _levels(self, values: Values, lists: Mapping[str, list[np.ndarray]], seed: int) -> dict[str, Any]:
        """{ranker: {metric: interval, coverage}}."""
        return {
            name: {metric: mean_interval(value_SN, seed) for metric, value_SN in of_ranker.items()}
            | {metrics.COVERAGE: {"mean": float(np.mean([self._judged.coverage(items) for items in lists[name]]))}}
            for name, of_ranker in values.items()
        }

    def _candidates(self) -> dict[str, Any]:
        """What Aisle's candidates hold, means over trips and seeds.

        Returns:
            {repeat_coverage: share of what is bought again among the candidates, new_recall: {n: share of what is new
            to the shopper among the first n candidates of a list of what is new}, union_recall: share of the basket,
            candidates: how many, candidates_limit, sources}.
        """
        unions = [_Union(self.folder / f"union-{seed}.npz") for seed in self.seeds]
        new = [_Union(self.folder / f"union-new-{seed}.npz").items for seed in self.seeds]
        baskets = self.task.baskets
        own = [np.intersect1d(*both) for both in zip(baskets, self.task.histories, strict=True)]
        other = [np.setdiff1d(*both) for both in zip(baskets, self.task.histories, strict=True)]
        return {
            "repeat_coverage": float(np.mean([_recall(union.items, own) for union in unions])),
            "new_recall": {n: float(np.mean([_recall(items[:, :n], other) for items in new])) for n in NEW_RECALL_AT},
            "union_recall": float(np.mean([_recall(union.items, baskets) for union in unions])),
            "candidates": float(np.mean([(union.items != metrics.NO_ITEM).sum(axis=1).mean() for union in unions])),
            "candidates_limit": unions[0].items.shape[1],
            "sources": unions[0].by_source(baskets),
        }

    @property
    def seeds(self) -> list[int]:
        """Of Aisle's lists, ascending."""
        return sorted(int(name.rpartition("-")[2]) for name in self.about if _ranker(name) == AISLE)


def all_cuts(cuts: list[Cut], seed: int) -> dict[str, Any]:
    """{metric: {best_classical: interval, trees: interval}}: Aisle's lead on average of the cuts, over the ranker that
    is best at each, and over trees."""
    assert len({tuple(cut.task.trips.user_ids) for cut in cuts}) <= 1, "a shopper has one number at every cut"
    result: dict[str, Any] = {}
    for metric in RANKED:
        best = [
            best_classical({name: metrics.mean_defined(of[metric].ravel()) for name, of in cut.values.items()})
            for cut in cuts
        ]
        pairs = [cut.pair(cut.values, name, metric) for cut, name in zip(cuts, best, strict=True)]
        result[metric] = {"best_classical": lead(pairs, seed)}
        if all(TREES in cut.values for cut in cuts):
            result[metric][TREES] = lead([cut.pair(cut.values, TREES, metric) for cut in cuts], seed)
    return result


def best_classical(means: Mapping[str, float]) -> str:
    """The name with the highest mean among the classical peers: no trees, no model of ours, not the tutorial's."""
    classical = {name: mean for name, mean in means.items() if name not in (*SEEDED, TUTORIAL)}
    return max(classical, key=classical.__getitem__)


class _Union:
    """Candidates [N, n] in ranked order, padded with NO_ITEM, and their sources."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as union:
            self.items, self._sources = union["items"], union["sources"]

    def by_source(self, wanted: list[np.ndarray]) -> dict[str, dict[str, float]]:
        """{source: {recall: share of the wanted that it holds, candidates: how many}}; an item of several sources
        counts for the first."""
        result = {}
        for source in np.unique(self._sources[self.items != metrics.NO_ITEM]):
            items = np.where(self._sources == source, self.items, metrics.NO_ITEM)
            shown = float((items != metrics.NO_ITEM).sum(axis=1).mean())
            result[str(source)] = {"recall": _recall(items, wanted), "candidates": shown}
        return result


def _recall(items_NK: np.ndarray, wanted: list[np.ndarray]) -> float:
    """Mean share of the wanted items that are listed, over the trips that have any."""
    shares = [np.isin(items, row).mean() for row, items in zip(items_NK, wanted, strict=True) if len(items)]
    return float(np.mean(shares))


def _ranker(name: str) -> str:
    """Of a file's name, without the seed."""
    ranker = name.rpartition("-")[0]
    return ranker if ranker in SEEDED else name


def _by_ranker(of_files: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """{ranker: one array a seed}."""
    result: dict[str, list[np.ndarray]] = {}
    for name, items in of_files.items():
        result.setdefault(_ranker(name), []).append(items)
    return result


def _stacked(of_seeds: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """{metric: [S, N]}"""
    return {metric: np.stack([values[metric] for values in of_seeds]) for metric in of_seeds[0]}


def _means(value_SN: np.ndarray) -> list[float]:
    """[S] of the trips where the metric is defined."""
    return [metrics.mean_defined(value_N) for value_N in value_SN]
