"""What is each part of retrieval and ranking worth? One part taken out or put in at a time, on the same judged trips.

`python -m benchmarks ablation` needs the examples that `python -m benchmarks quality` left for the last cut.
It measures the variants that are not there yet, and writes build/bench/ablation.json. Towers are trained as in
components/train/run.py, but for EPOCHS; rankers learn from RANKING_DAYS, all from the same candidates and features.

Shape legend: N judged trips, R retrieved, C candidates of a trip.
"""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from model.features.graph import feature_records
from model.networks.recommender import Recommender

from benchmarks.ablation import ranking, towers
from benchmarks.ablation.ranking import RANKERS
from benchmarks.ablation.towers import AS_IT_IS, LINE_ALONE, LONGER, OTHER_SEED, TOWERS, Lists
from benchmarks.harness import shop, study
from benchmarks.harness.result_file import RESULTS
from benchmarks.harness.samples import Samples, as_lists, collect
from benchmarks.harness.shop import CUTS
from benchmarks.harness.study import Judged, Measured, Study
from components.train.pre_ranker import TRIPS, train_preranker
from components.train.ranker import no_scorer
from components.train.trip_split import training_trips
from model.data.batch import Batch, TripReader
from model.data.catalog import Catalog
from model.evaluation import ranking_metrics as metrics
from model.networks.pre_ranker import PreRanker
from model.system.legacy_keras import tf
from tfx_configs.recipes import full
from tfx_configs.settings import RunSettings

SEED = 7
RANKING_DAYS = 70
EPOCHS = 1
"""Of the towers that are compared; those that the ranker's candidates come from have as many as the main job's."""
UNION = 600
OUT = RESULTS / "ablation"


def main(most: study.Most = None, kind: study.Kind = None) -> dict[str, Any]:
    world = World(shop.examples())
    variants: dict[str, dict[str, Callable[[], Measured]]] = {
        "towers": {name: partial(measure_towers, world, name) for name in TOWERS},
        "rankers": {name: partial(measure_ranker, world, name) for name in RANKERS},
    }
    studies = {
        of: Study(folder=OUT / of, variants=made, reference=AS_IT_IS, seed=SEED) for of, made in variants.items()
    }
    study.measure(studies, most, kind)
    return {
        "cut": CUTS[-1],
        "trips": len(world.which),
        "ranking_days": RANKING_DAYS,
        "candidates": settings(SEED).candidates.limit,
        "epochs": EPOCHS,
        "union": UNION,
        **{of: measured.compared() for of, measured in studies.items()},
    }


class World(Judged):
    """The examples of one cut, and what is made from them once and kept in OUT."""

    def __init__(self, examples: Path) -> None:
        super().__init__(examples)
        self.served = self.catalog.as_served()
        self.reader = TripReader(self.trips, self.catalog)
        self.learning = training_trips(self.trips, settings(SEED).train)
        self.features = [feature.name for feature in feature_records(self.catalog, settings(SEED).features)]

    @cached_property
    def lists(self) -> Lists:
        """Of the towers as they are: all trips of the ranker, and the judged ones."""
        path = OUT / "lists.npz"
        if not path.exists():
            measure_towers(self, LONGER)
        with np.load(path) as lists:
            return Lists(**lists)

    def recommender(self, catalog: Catalog, preranker: PreRanker | None = None) -> Recommender:
        """One that lists candidates."""
        return Recommender(catalog, settings(SEED), no_scorer, None, preranker)

    def samples(self, preranked: bool) -> tuple[Samples, Samples]:
        """(to learn from, judged): candidates of the pre-ranker, or source by source."""
        folder = OUT / ("samples" if preranked else "samples-by-source")
        if not (folder / "judged").exists():
            training, asked = self.recommender(self.catalog), self.learning.ranking
            if preranked:
                train_preranker(training, self.reader, asked, self.lists.early, SEED)
            serving = self.recommender(self.served, training.candidates.preranker)
            collect(training, self.reader, asked, self.lists.early, folder / "train")
            collect(serving, self.reader, self.which, self.lists.judged, folder / "judged")
        return Samples.load(folder / "train"), Samples.load(folder / "judged")


def settings(seed: int) -> RunSettings:
    """The main job's, with fewer days for the ranker."""
    return full().training(seed=seed, ranking_days=RANKING_DAYS)


def measure_towers(world: World, name: str) -> Measured:
    """Recall of what the towers find and of the union with it, by trip; coverage of the first 200."""
    run, longer = settings(_seed(name)), name == LONGER
    train = run.train if longer else run.train.replace(retrieval_epochs=EPOCHS)
    asked_n = world.learning.ranking
    if not longer:
        asked_n = np.random.default_rng(SEED).permutation(asked_n)[:TRIPS]
    asked = Lists(early=asked_n, judged=world.which)
    nearest = towers.train_and_list(
        TOWERS[name], world.catalog, world.reader, world.learning, train, asked, run.candidates.retrieved
    )
    if longer:
        OUT.mkdir(parents=True, exist_ok=True)
        np.savez(OUT / "lists.npz", **nearest._asdict())
    training = world.recommender(world.catalog)
    train_preranker(training, world.reader, asked_n, nearest.early, SEED)
    if name == LINE_ALONE:
        preranker = training.candidates.preranker
        for variable in (preranker.kernels[-1], preranker.biases[-1]):
            variable.assign(tf.zeros_like(variable))
    union = list_union(world, world.recommender(world.served, training.candidates.preranker), nearest.judged)
    hits, united = world.hits(nearest.judged[:, :UNION]), world.hits(union)
    ways = {"recall": metrics.recall, "explore_recall": metrics.explore_recall}
    values = {f"{name}@{k}": way(hits, k) for k in (200, UNION) for name, way in ways.items()}
    values |= {f"union_{name}": way(united, UNION) for name, way in ways.items()}
    return values, {"coverage@200": world.coverage(nearest.judged, 200)}


def list_union(world: World, recommender: Recommender, judged_NR: np.ndarray) -> np.ndarray:
    """[N, UNION] items: the most promising of each judged trip's candidates, padded with NO_ITEM."""
    parts, nothing = [], tf.zeros([0], tf.int32)
    every = tf.function(recommender.candidates, reduce_retracing=True)
    for start in range(0, len(world.which), 64):
        which = world.which[start : start + 64]
        batch = Batch(*map(tf.convert_to_tensor, world.reader.batch(which)))
        best = every(batch, tf.constant(judged_NR[start : start + 64]), nothing, nothing, UNION)
        parts.append(as_lists(best.row_C.numpy(), best.item_C.numpy(), len(which), UNION))
    return np.concatenate(parts)


def measure_ranker(world: World, name: str) -> Measured:
    """The ranking metrics by trip; coverage."""
    variant = RANKERS[name]
    train, judged = world.samples(variant.preranked)
    bought, run = train.bought_C(world.trips), settings(_seed(name))
    items_NK = ranking.train_and_list(variant, world.catalog, world.features, train, bought, judged, run.train)
    return world.measured(items_NK)


def _seed(name: str) -> int:
    return SEED + 1 if name == OTHER_SEED else SEED
