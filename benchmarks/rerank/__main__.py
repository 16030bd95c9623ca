"""What re-ranking costs and brings: each switch on the same ranked candidates, at the cuts of the quality benchmark.

`python -m benchmarks.rerank` needs the models that `python -m benchmarks.quality` left in build/bench/quality/CUT, and
writes build/bench/rerank.json. Shape legend: N trips, C candidates of a trip, k places of a list.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness.result_file import write_result
from benchmarks.quality.__main__ import CUTS, FOLDER, SEEDS
from benchmarks.quality.result import POPULARITY, ROUNDS
from benchmarks.quality.work import list_name
from components.artifacts.examples import Examples
from components.evaluate.predictions import request_of
from components.kfp_support.progress import progress
from model.api import Answer, Request
from model.data.catalog import Catalog
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task, load_task
from model.package import loaded_model as package
from model.package.loaded_model import LoadedModel
from model.package.manifest import read_manifest
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import RerankPolicy
from model.rerank.reranker import BOUGHT_BEFORE, Reranker
from tfx_configs.rerank import RerankSettings, Rule
from tfx_configs.settings import MOST_CANDIDATES

SEED = 7
K = 20
KIND = "department"
BOOSTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 10.0)
RESERVED = (1, 2, 3)
WHOLE_ANSWERS = 300
JUDGED = ("ndcg@10", "recall@10", "explore_recall@10")
Ranked = tuple[Request, np.ndarray, np.ndarray, np.ndarray]
"""A request with its candidates' item ids, scores and reasons, best first."""


def main() -> None:
    cuts = [measure(FOLDER / cut) for cut in CUTS]
    print(write_result("rerank", {"cuts": cuts, "answer_cpu_ms": _answers(FOLDER / CUTS[-1])}, SEED))


def measure(folder: Path) -> dict[str, Any]:
    """Every way to re-rank at one cut."""
    task, values = load_task(folder / "examples"), ItemValues(Examples(folder / "examples").items)
    catalog = Catalog.load(folder / "examples" / Catalog.DIRECTORY)
    progress(f"{folder.name}: candidates of {len(task.trip_N):,} trips")
    ranked = candidates(package.load(folder / list_name("model", SEEDS[0])), task)
    judge = Judge(task, len(catalog.active_items()), np.load(folder / "lists" / f"{POPULARITY}.npy"), values)
    ways: dict[str, Callable[[Ranked], Answer]] = {
        name: _way(settings, values) for name, settings in switches(catalog.item_ids).items()
    }
    ways |= {f"boost {boost:g}": _way(RerankSettings(explore_boost=boost), values) for boost in BOOSTS}
    ways |= {f"reserved {places}": _reserving(places) for places in RESERVED}
    found = []
    for name, way in ways.items():
        found.append({"name": name} | judge(way, ranked))
        progress(f"{folder.name}: {name}, recall@10 {found[-1]['recall@10']['mean']:.4f}")
    return {"cut": folder.name, "trips": len(task.trip_N), "popularity": judge.popularity, "ways": found}


def switches(item_ids: np.ndarray) -> dict[str, RerankSettings]:
    """One switch at a time, then together. The first changes nothing."""
    gone = np.random.default_rng(SEED).choice(item_ids.astype(str), len(item_ids) // 50, replace=False)
    out_of_stock = Rule(action="exclude", values=tuple(gone.tolist()), note="2 % of the products, drawn")
    restricted = Rule(action="restrict", attribute=KIND, values=("DRUG GM",))
    per_maker = Rule(action="cap", attribute="manufacturer_id", most=2)
    per_type = Rule(action="cap", attribute="product_type", most=1)
    return {
        "off": RerankSettings(),
        **{
            f"diversity {weight:g}": RerankSettings(diversity=weight, diversity_attribute=KIND)
            for weight in (0.02, 0.05, 0.1, 0.2)
        },
        "two of a maker": RerankSettings(rules=(per_maker,)),
        "one of a product type": RerankSettings(rules=(per_type,)),
        "2 % out of stock": RerankSettings(rules=(out_of_stock,)),
        "a department restricted": RerankSettings(rules=(restricted,)),
        "draws in 10 %": RerankSettings(explore_percent=10.0),
        "all of it": RerankSettings(
            explore_boost=0.5,
            diversity=0.05,
            diversity_attribute=KIND,
            explore_percent=10.0,
            rules=(per_maker, out_of_stock, restricted),
        ),
    }


def candidates(model: package.LoadedModel, task: Task) -> list[Ranked]:
    """The whole union of every judged trip, as the model ranks it."""
    requests = [request_of(task.trips, int(trip), MOST_CANDIDATES) for trip in task.trip_N]
    return [
        (
            dataclasses.replace(request, k=K),
            np.array([item.encode() for item in answer.item_ids], dtype=object),
            np.array(answer.scores, np.float32),
            np.array([reason.encode() for reason in answer.reasons], dtype=object),
        )
        for request, answer in zip(requests, model.recommend(requests), strict=True)
    ]


class Judge:
    """Compares lists with what was bought, and with the ranker's own first places."""

    def __init__(self, task: Task, active: int, popular_NK: np.ndarray, values: ItemValues) -> None:
        self._active = active
        self._column = {item.encode(): i for i, item in enumerate(task.trips.item_ids.tolist())}
        self._kinds = values.codes(KIND, ())
        self._baskets = [task.trips.basket(int(trip)) for trip in task.trip_N]
        self._histories = [task.trips.event_item_E[task.trips.history(int(trip))] for trip in task.trip_N]
        self._popular = self._by_trip(popular_NK)
        self._off: dict[str, np.ndarray] | None = None
        self.popularity = {name: metrics.mean_defined(self._popular[name]) for name in JUDGED}

    def __call__(self, way: Callable[[Ranked], Answer], ranked: list[Ranked]) -> dict[str, Any]:
        """Metrics with paired intervals against the first way that was judged, and its CPU time for one request."""
        items_NK, milliseconds, kinds, drawn = np.full((len(ranked), K), metrics.NO_ITEM), [], [], 0
        for row, one in enumerate(ranked):
            began = time.thread_time()
            answer = way(one)
            milliseconds.append(1e3 * (time.thread_time() - began))
            ids = [item.encode() for item in answer.item_ids]
            items_NK[row, : len(ids)] = [self._column[item] for item in ids]
            kinds.append(len({self._kinds.get(item, -1) for item in ids[:10]}))
            drawn += min(answer.propensities, default=1.0) < 0.5
        value = self._by_trip(items_NK)
        self._off = self._off or value
        return {
            name: {"mean": metrics.mean_defined(value[name]), "over_off": _delta(value[name], self._off[name])}
            for name in JUDGED
        } | {
            "explore_over_popularity": _delta(value["explore_recall@10"], self._popular["explore_recall@10"]),
            "coverage@10": metrics.coverage(items_NK, 10, self._active),
            "kinds@10": float(np.mean(kinds)),
            "drawn_percent": 100 * drawn / len(ranked),
            "cpu_ms_p50": float(np.median(milliseconds)),
            "cpu_ms_p99": float(np.quantile(milliseconds, 0.99)),
        }

    def _by_trip(self, items_NK: np.ndarray) -> dict[str, np.ndarray]:
        found = metrics.by_trip(metrics.find_hits(items_NK, self._baskets, self._histories))
        return {name: found[name] for name in JUDGED}


def _way(settings: RerankSettings, values: ItemValues) -> Callable[[Ranked], Answer]:
    reranker = Reranker(settings, settings.rules, values)
    return lambda one: reranker(*one)


def _reserving(places: int) -> Callable[[Ranked], Answer]:
    """Ten in the ranker's order, with at least so many new to the shopper: the alternative to the boost."""

    def way(one: Ranked) -> Answer:
        _, item_C, score_C, reason_C = one
        new = np.flatnonzero(reason_C != BOUGHT_BEFORE)[:places]
        rest = np.setdiff1d(np.arange(len(item_C)), new)[: 10 - len(new)]
        shown = np.sort(np.concatenate([rest, new]))
        return Answer(
            item_ids=[item.decode() for item in item_C[shown]],
            scores=score_C[shown].tolist(),
            reasons=[reason.decode() for reason in reason_C[shown]],
        )

    return way


def _delta(candidate_N: np.ndarray, reference_N: np.ndarray) -> dict[str, float]:
    return dataclasses.asdict(metrics.paired_delta(candidate_N, reference_N, seed=SEED, rounds=ROUNDS))


def _answers(folder: Path) -> dict[str, float]:
    """Median CPU milliseconds of whole answers, one request a call, in turns with everything off and with all of it."""
    task, values = load_task(folder / "examples"), ItemValues(Examples(folder / "examples").items)
    directory = folder / list_name("model", SEEDS[0])
    wanted = switches(task.trips.item_ids)
    models = {
        name: LoadedModel(directory, read_manifest(directory), RerankPolicy(wanted[name], values))
        for name in ("off", "all of it")
    }
    spent: dict[str, list[float]] = {name: [] for name in models}
    for trip in task.trip_N[:WHOLE_ANSWERS]:
        request = request_of(task.trips, int(trip), 10)
        for name, model in models.items():
            began = time.process_time()
            model.recommend([request])
            spent[name].append(1e3 * (time.process_time() - began))
    return {name: float(np.median(milliseconds)) for name, milliseconds in spent.items()}


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):
        main()
