"""Chooses the baseline that serves until a model is blessed: the best one on the validation span.

The validation span is as long as the test span and ends at the cut, so that nothing of the test span takes part. Each
baseline is built as of the first day of the span: it has learned from nothing that it is judged on.

Shape legend: N judged trips, B requests of one call, K places of a list.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from components.artifacts.first_stable import FirstStable
from components.kfp_support.progress import progress
from model.candidates.barred import Barred
from model.data.batch import Batch, TripReader, lengths
from model.data.catalog import Catalog
from model.data.time_split import TEST_DAYS, day, ranking_start
from model.data.trips import Trips
from model.errors import CheckFailed
from model.evaluation import ranking_metrics as metrics
from model.ranking.recommender import Recommends
from tfx_configs.evaluation import BASELINES, GATE_METRICS, REGRESSION_METRIC
from tfx_configs.stages import BaselinesStage

PLACES = 10
"""Length of the lists: the k of GATE_METRICS."""
MOST_TRIPS = 3000
"""Trips that decide, at most."""
BATCH = 64
"""Requests a call."""

Build = Callable[[str, BaselinesStage, Trips, Catalog], tuple[Recommends, Catalog]]


def choose(run: BaselinesStage, names: Sequence[str], trips: Trips, catalog: Catalog, build: Build) -> FirstStable:
    """The baseline with the highest ndcg@10, then recall@10, on the validation span.

    Args:
        names: those that are compared; of equal ones the first is chosen.
        trips, catalog: those of the run; what is at or after the cut is not read.
        build: makes a baseline (components/train/baselines/export.py).
    """
    start_s = _start(run, trips, catalog)
    which = np.empty(0, np.int64) if start_s is None else _judged(trips, start_s)
    if start_s is None or not len(which):
        reason = "no trips of shoppers with a history in the days before the cut to compare baselines on"
        return FirstStable(name=BASELINES[0], reason=reason, metric=REGRESSION_METRIC)
    past, snapshot = dataclasses.replace(trips, cut_s=start_s), catalog.as_of(start_s)
    figures: dict[str, dict[str, float]] = {}
    for name in names:
        try:
            recommender, served = build(name, run, past, snapshot)
        except CheckFailed as error:
            progress(f"{name} cannot be judged as of {day(start_s)}: {error}")
            continue
        figures[name] = _means(recommender, TripReader(trips, served), which)
    best = max(figures, key=lambda name: (figures[name][REGRESSION_METRIC], figures[name][GATE_METRICS[0]]))
    value = figures[best][REGRESSION_METRIC]
    first, last = day(start_s), day(trips.cut_s - 1)
    return FirstStable(
        name=best,
        reason=f"best {REGRESSION_METRIC} of {len(figures)} baselines, {value:.4f} on {len(which):,} trips from "
        f"{first} to {last}, before the cut",
        metric=REGRESSION_METRIC,
        first=first,
        last=last,
        trips=len(which),
        figures=figures,
    )


def _start(run: BaselinesStage, trips: Trips, catalog: Catalog) -> int | None:
    """Unix seconds of the validation span: the first weekly snapshot in it; None where the data begins too late."""
    earliest_s = ranking_start(trips, run.data.test_days or TEST_DAYS)
    inside = catalog.snapshot_W[(catalog.snapshot_W >= earliest_s) & (catalog.snapshot_W < trips.cut_s)]
    return int(inside[0]) if len(inside) else None


def _judged(trips: Trips, start_s: int) -> np.ndarray:
    """[N] the first trip from `start_s` to the cut of each shopper with a history; of more than MOST_TRIPS, as many,
    evenly over the span."""
    first = dataclasses.replace(trips, cut_s=start_s).first_test_trips()
    first = first[trips.time_T[first] < trips.cut_s]
    return first[np.linspace(0, len(first) - 1, MOST_TRIPS).astype(np.int64)] if len(first) > MOST_TRIPS else first


def _means(recommender: Recommends, reader: TripReader, which: np.ndarray) -> dict[str, float]:
    """{metric of GATE_METRICS: mean} of the lists for these trips."""
    trips, items_NK = reader.trips, lists_of(recommender, reader, which)
    baskets = [trips.basket(int(trip)) for trip in which]
    histories = [trips.event_item_E[trips.history(int(trip))] for trip in which]
    by_trip = metrics.by_trip(metrics.find_hits(items_NK, baskets, histories))
    return {metric: metrics.mean_defined(by_trip[metric]) for metric in GATE_METRICS}


def lists_of(recommender: Recommends, reader: TripReader, which: np.ndarray) -> np.ndarray:
    """[N, PLACES] item indices for the given trips, padded with NO_ITEM, without what their task leaves out."""
    parts = [which[first : first + BATCH] for first in range(0, len(which), BATCH)]
    batches = (reader.batch(part) for part in parts)
    return np.concatenate([_lists(recommender, batch, Barred.by_task(reader.trips.task, batch)) for batch in batches])


def _lists(recommender: Recommends, batch: Batch, barred: Barred) -> np.ndarray:
    """[B, PLACES] item indices, padded with NO_ITEM."""
    requests = len(batch.time_B)
    ranking = recommender.recommend(batch, np.zeros((requests, 0), np.int32), barred, recommender.ranked, PLACES)
    length_B = lengths(ranking.end_B)
    items_BK = np.full((requests, PLACES), metrics.NO_ITEM)
    items_BK[np.arange(PLACES) < length_B[:, None]] = ranking.item_N
    return items_BK
