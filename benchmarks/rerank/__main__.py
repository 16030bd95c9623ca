"""What re-ranking costs and brings: each switch on the same ranked candidates, at the cuts of the quality benchmark.

`python -m benchmarks rerank` needs the models that `python -m benchmarks quality` left in build/bench/quality/CUT, and
writes build/bench/rerank.json. Shape legend: N trips, C candidates of a trip, k places of a list.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.harness import shop
from benchmarks.harness.study import RANKED, Judged, Measured, Values, delta
from benchmarks.quality.result import POPULARITY
from benchmarks.serving.latency import REQUESTS, cpu_ms
from components.artifacts.examples import Examples
from components.evaluate.predictions import request_of
from components.kfp_support.progress import progress
from model.api import Answer, Request
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task, load_task
from model.package import loaded_model as package
from model.package.loaded_model import LoadedModel
from model.package.manifest import read_manifest
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import RerankPolicy
from model.rerank.reranker import BOUGHT_BEFORE, Reranker
from tfx_configs.rerank import RerankSettings
from tfx_configs.settings import MOST_CANDIDATES

SEED, K = 7, 20
KIND = "department"
SWITCHES = Path(__file__).with_name("switches.yaml")
BOOSTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 10.0)
RESERVED = (1, 2, 3)
Ranked = tuple[Request, np.ndarray, np.ndarray, np.ndarray]
"""A request with its candidates' item ids, scores and reasons, best first."""


def main() -> dict[str, Any]:
    return {"cuts": [measure(cut) for cut in shop.CUTS], "answer_cpu_ms": _answers()}


def measure(cut: str) -> dict[str, Any]:
    """Every way to re-rank at one cut."""
    judged, values = Judged(shop.examples(cut)), ItemValues(Examples(shop.examples(cut)).items)
    progress(f"{cut}: candidates of {len(judged.which):,} trips")
    ranked = candidates(package.load(shop.model(cut)), judged.task)
    popular = judged.by_trip(shop.listed(POPULARITY, cut))
    ways: dict[str, Callable[[Ranked], Answer]] = {
        name: _way(settings, values) for name, settings in switches(judged.catalog.item_ids).items()
    }
    ways |= {f"boost {boost:g}": _way(RerankSettings(explore_boost=boost), values) for boost in BOOSTS}
    ways |= {f"reserved {places}": _reserving(places) for places in RESERVED}
    off: Values | None = None
    rows = []
    for name, way in ways.items():
        value, about = answered(way, ranked, judged, values.codes(KIND, ()))
        off = off or value
        levels = {
            metric: {"mean": metrics.mean_defined(value[metric]), "over_off": delta(value[metric], off[metric], SEED)}
            for metric in RANKED
        }
        over = {"explore_over_popularity": delta(value["explore_recall@10"], popular["explore_recall@10"], SEED)}
        rows.append({"name": name} | levels | over | about)
        progress(f"{cut}: {name}, recall@10 {metrics.mean_defined(value['recall@10']):.4f}")
    popularity = {metric: metrics.mean_defined(value) for metric, value in popular.items()}
    return {"cut": cut, "trips": len(judged.which), "popularity": popularity, "ways": rows}


def answered(
    way: Callable[[Ranked], Answer], ranked: list[Ranked], judged: Judged, kinds: Mapping[bytes, int]
) -> Measured:
    """Metrics of the lists of one way, and its CPU time for one request.

    Args:
        kinds: the kind of each item, by id.
    """
    column = {item.encode(): i for i, item in enumerate(judged.trips.item_ids.tolist())}
    items_NK, milliseconds, kinds_N, drawn = np.full((len(ranked), K), metrics.NO_ITEM), [], [], 0
    for row, request in enumerate(ranked):
        began = time.thread_time()
        answer = way(request)
        milliseconds.append(1e3 * (time.thread_time() - began))
        ids = [item.encode() for item in answer.item_ids]
        items_NK[row, : len(ids)] = [column[item] for item in ids]
        kinds_N.append(len({kinds.get(item, -1) for item in ids[:10]}))
        drawn += min(answer.propensities, default=1.0) < 0.5
    values, about = judged.measured(items_NK)
    return values, about | {
        "kinds@10": float(np.mean(kinds_N)),
        "drawn_percent": 100 * drawn / len(ranked),
        "cpu_ms_p50": float(np.median(milliseconds)),
        "cpu_ms_p99": float(np.quantile(milliseconds, 0.99)),
    }


def switches(item_ids: np.ndarray) -> dict[str, RerankSettings]:
    """switches.yaml: one switch at a time, then together. The first changes nothing; 2 % of the products are out of
    stock."""
    gone = np.random.default_rng(SEED).choice(item_ids.astype(str), len(item_ids) // 50, replace=False)
    table = yaml.safe_load(SWITCHES.read_text())
    for row in table.values():
        for rule in row.get("rules", ()):
            if rule["action"] == "exclude":
                rule["values"] = gone.tolist()
    return {name: RerankSettings.from_dict(row) for name, row in table.items()}


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


def _way(settings: RerankSettings, values: ItemValues) -> Callable[[Ranked], Answer]:
    reranker = Reranker(settings, settings.rules, values)
    return lambda ranked: reranker(*ranked)


def _reserving(places: int) -> Callable[[Ranked], Answer]:
    """Ten in the ranker's order, with at least so many new to the shopper: the alternative to the boost."""

    def way(ranked: Ranked) -> Answer:
        _, item_C, score_C, reason_C = ranked
        new = np.flatnonzero(reason_C != BOUGHT_BEFORE)[:places]
        rest = np.setdiff1d(np.arange(len(item_C)), new)[: 10 - len(new)]
        shown = np.sort(np.concatenate([rest, new]))
        return Answer(
            item_ids=[item.decode() for item in item_C[shown]],
            scores=score_C[shown].tolist(),
            reasons=[reason.decode() for reason in reason_C[shown]],
        )

    return way


def _answers() -> dict[str, float]:
    """Median CPU milliseconds of whole answers, one request a call, in turns with everything off and with all of it."""
    task, values = load_task(shop.examples()), ItemValues(Examples(shop.examples()).items)
    directory = shop.model()
    wanted = switches(task.trips.item_ids)
    models = {
        name: LoadedModel(directory, read_manifest(directory), RerankPolicy(wanted[name], values))
        for name in ("off", "all of it")
    }
    figures = cpu_ms(models, task, REQUESTS)
    return {name: figures[name]["cpu_ms_p50"] for name in models}
