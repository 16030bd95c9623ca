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

from benchmarks.ablation import ranking, towers
from benchmarks.ablation.ranking import RANKERS
from benchmarks.ablation.towers import AS_IT_IS, LINE_ALONE, LONGER, OTHER_SEED, TOWERS, Lists
from benchmarks.harness import shop, study
from benchmarks.harness.result_file import RESULTS
from benchmarks.harness.samples import STEP, Samples, as_lists, collect
from benchmarks.harness.shop import CUTS
from benchmarks.harness.study import Judged, Measured, Study
from components.train.item_neighbours import with_together, with_together_of
from components.train.new_networks import new_networks
from components.train.pre_ranker import TRIPS, train_preranker
from components.train.trip_split import training_trips
from model.candidates.barred import Barred
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.evaluation import ranking_metrics as metrics
from model.features.records import feature_records
from model.networks.trained import TrainedNetworks
from model.ranking.recommender import Recommender
from model.system.legacy_keras import tf
from tfx_configs.recipes import full
from tfx_configs.stages import TrainStage

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
        run = settings(SEED)
        self.served = with_together(self.catalog, self.trips, run, self.trips.cut_s).as_served()
        self.reader = TripReader(self.trips, self.catalog)
        self.learning = training_trips(self.trips, run.train)
        self.earlier = with_together_of(self.catalog, self.trips, run, self.learning)
        self.features = [feature.name for feature in feature_records(self.catalog, run.features)]

    @cached_property
    def lists(self) -> Lists:
        """Of the towers as they are: all trips of the ranker, and the judged ones."""
        path = OUT / "lists.npz"
        if not path.exists():
            measure_towers(self, LONGER)
        with np.load(path) as lists:
            return Lists(**lists)

    def preranked(self, which: np.ndarray, retrieved: np.ndarray) -> TrainedNetworks:
        """Networks of which only the pre-ranker is trained, on these trips and what towers found for them."""
        _, networks = new_networks(settings(SEED), self.catalog)
        training = self.recommender(self.earlier, networks)
        train_preranker(training, networks.preranker, self.reader, which, retrieved, SEED)
        return networks

    def recommender(self, catalog: Catalog, networks: TrainedNetworks | None = None) -> Recommender:
        """One that lists candidates: those of the pre-ranker, or source by source."""
        run = settings(SEED)
        return Recommender(catalog, run.features, run.candidates, networks=networks)

    def samples(self, preranked: bool) -> tuple[Samples, Samples]:
        """(to learn from, judged): candidates of the pre-ranker, or source by source."""
        folder = OUT / ("samples" if preranked else "samples-by-source")
        if not (folder / "judged").exists():
            asked, near = self.learning.ranking, self.lists
            networks = self.preranked(asked, near.early) if preranked else None
            collect(self.recommender(self.earlier, networks), self.reader, asked, near.early, folder / "train")
            collect(self.recommender(self.served, networks), self.reader, self.which, near.judged, folder / "judged")
        return Samples.load(folder / "train"), Samples.load(folder / "judged")


def settings(seed: int) -> TrainStage:
    """The main job's, with fewer days for the ranker."""
    return TrainStage.of(full().training(seed=seed, ranking_days=RANKING_DAYS))


def measure_towers(world: World, name: str) -> Measured:
    """Recall of what the towers find and of the union with it, by trip; coverage of the first 200."""
    run, longer = settings(_seed(name)), name == LONGER
    asked_n = world.learning.ranking
    if not longer:
        run = run.replace(train=run.train.replace(retrieval_epochs=EPOCHS))
        asked_n = np.random.default_rng(SEED).permutation(asked_n)[:TRIPS]
    asked = Lists(early=asked_n, judged=world.which)
    nearest = towers.train_and_list(
        TOWERS[name], run, world.catalog, world.reader, world.learning, asked, run.candidates.retrieved
    )
    if longer:
        OUT.mkdir(parents=True, exist_ok=True)
        np.savez(OUT / "lists.npz", **nearest._asdict())
    networks = world.preranked(asked_n, nearest.early)
    if name == LINE_ALONE:
        for variable in (networks.preranker.kernels[-1], networks.preranker.biases[-1]):
            variable.assign(tf.zeros_like(variable))
    union = list_union(world, world.recommender(world.served, networks), nearest.judged)
    hits, united = world.hits(nearest.judged[:, :UNION]), world.hits(union)
    ways = {"recall": metrics.recall, "explore_recall": metrics.explore_recall}
    values = {f"{name}@{k}": way(hits, k) for k in (200, UNION) for name, way in ways.items()}
    values |= {f"union_{name}": way(united, UNION) for name, way in ways.items()}
    return values, {"coverage@200": world.coverage(nearest.judged, 200)}


def list_union(world: World, recommender: Recommender, judged_NR: np.ndarray) -> np.ndarray:
    """[N, UNION] items: the most promising of each judged trip's candidates, padded with NO_ITEM."""
    parts = []
    for start in range(0, len(world.which), STEP):
        which = world.which[start : start + STEP]
        batch, nothing = world.reader.batch(which), Barred.none(len(which))
        union = recommender.candidates(batch, judged_NR[start : start + STEP], nothing, UNION)
        parts.append(as_lists(union.rows(), union.item_C, len(which), UNION))
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
