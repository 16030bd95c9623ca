"""What is each part of retrieval and ranking worth? One part taken out or put in at a time, on the same judged trips.

`python -m benchmarks.ablation` needs the examples that `python -m benchmarks.quality` left for the last cut.
It measures the variants that are not there yet, and writes build/bench/ablation.json anew. Towers
are trained as in components/train/run.py, but for EPOCHS; rankers learn from RANKING_DAYS, all from the same candidates
and features.

Shape legend: N judged trips, R retrieved, C candidates of a trip.
"""

import argparse
import time
from functools import cached_property
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ablation import ranking as ablation_ranking
from benchmarks.ablation import towers as ablation_towers
from benchmarks.ablation import variants
from benchmarks.ablation.ranking import RANKERS
from benchmarks.ablation.towers import AS_IT_IS, LINE_ALONE, LONGER, OTHER_SEED, TOWERS, Lists
from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.harness.samples import Samples, collect
from benchmarks.quality.__main__ import CUTS, FOLDER
from components.kfp_support.progress import progress
from components.train.pre_ranker import TRIPS, train_preranker
from components.train.ranker import no_scorer
from components.train.trip_split import training_trips
from model.data.batch import Batch, TripReader
from model.data.catalog import Catalog
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import load_task
from model.features.graph import feature_records
from model.networks.pre_ranker import PreRanker
from model.networks.recommender import Recommender
from model.system.legacy_keras import tf
from tfx_configs.recipes import full
from tfx_configs.settings import RunSettings

SEED = 7
RANKING_DAYS = 70
EPOCHS = 1
"""Of the towers that are compared; those that the ranker's candidates come from have as many as the main job's."""
UNION = 600
OUT = RESULTS / "ablation"
RANKED = ("ndcg@10", "recall@10", "explore_recall@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted = [("towers", name) for name in TOWERS] + [("rankers", name) for name in RANKERS]
    parser.add_argument("--most", type=int, default=len(wanted), help="variants measured in this call")
    parser.add_argument("--kind", choices=("towers", "rankers"), help="measures only these")
    arguments = parser.parse_args()
    world = World(FOLDER / CUTS[-1])
    missing = [(kind, name) for kind, name in wanted if not variants.measured(OUT / kind, name)]
    for kind, name in [one for one in missing if arguments.kind in (None, one[0])][: arguments.most]:
        tf.keras.backend.clear_session()
        began = time.perf_counter()
        measure = measure_towers if kind == "towers" else measure_ranker
        values, about = measure(world, name)
        variants.keep(OUT / kind, name, values, about | {"seconds": round(time.perf_counter() - began, 1)})
        progress(f"{kind}, {name}: {', '.join(f'{m} {metrics.mean_defined(v):.4f}' for m, v in values.items())}")
    compared = {
        kind: variants.compare(OUT / kind, list(names), AS_IT_IS, SEED)
        for kind, names in (("towers", TOWERS), ("rankers", RANKERS))
    }
    said = {
        "cut": CUTS[-1],
        "trips": len(world.judged),
        "ranking_days": RANKING_DAYS,
        "candidates": settings(SEED).candidates.limit,
        "epochs": EPOCHS,
        "union": UNION,
    }
    print(write_result("ablation", said | compared, SEED))


class World:
    """The examples of one cut, and what is made from them once and kept in OUT."""

    def __init__(self, folder: Path) -> None:
        task = load_task(folder / "examples")
        self.trips, self.judged = task.trips, task.trip_N
        self.catalog = Catalog.load(folder / "examples" / Catalog.DIRECTORY)
        self.served = self.catalog.as_served()
        self.reader = TripReader(self.trips, self.catalog)
        self.active = len(self.catalog.active_items())
        self.baskets = [self.trips.basket(int(trip)) for trip in self.judged]
        self.histories = [self.trips.event_item_E[self.trips.history(int(trip))] for trip in self.judged]
        self.learning = training_trips(self.trips, settings(SEED).train)
        self.features = [feature.name for feature in feature_records(self.catalog, settings(SEED).features)]

    def hits(self, items_NK: np.ndarray) -> metrics.Hits:
        """Of lists for the judged trips."""
        return metrics.find_hits(items_NK, self.baskets, self.histories)

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
            training, ranking = self.recommender(self.catalog), self.learning.ranking
            if preranked:
                train_preranker(training, self.reader, ranking, self.lists.early, SEED)
            serving = self.recommender(self.served, training.candidates.preranker)
            collect(training, self.reader, ranking, self.lists.early, folder / "train")
            collect(serving, self.reader, self.judged, self.lists.judged, folder / "judged")
        return Samples.load(folder / "train"), Samples.load(folder / "judged")


def settings(seed: int) -> RunSettings:
    """The main job's, with fewer days for the ranker."""
    return full().training(seed=seed, ranking_days=RANKING_DAYS)


def measure_towers(world: World, name: str) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Recall of what the towers find and of the union with it, by trip; coverage of the first 200."""
    run, longer = settings(_seed(name)), name == LONGER
    train = run.train if longer else run.train.replace(retrieval_epochs=EPOCHS)
    ranking = world.learning.ranking
    asked = ranking if longer else np.random.default_rng(SEED).permutation(ranking)[:TRIPS]
    found = ablation_towers.train_and_list(
        TOWERS[name],
        world.catalog,
        world.reader,
        world.learning,
        train,
        Lists(early=asked, judged=world.judged),
        run.candidates.retrieved,
    )
    if longer:
        OUT.mkdir(parents=True, exist_ok=True)
        np.savez(OUT / "lists.npz", **found._asdict())
    training = world.recommender(world.catalog)
    train_preranker(training, world.reader, asked, found.early, SEED)
    if name == LINE_ALONE:
        preranker = training.candidates.preranker
        for variable in (preranker.kernels[-1], preranker.biases[-1]):
            variable.assign(tf.zeros_like(variable))
    union = list_union(world, world.recommender(world.served, training.candidates.preranker), found.judged)
    hits, united = world.hits(found.judged[:, :UNION]), world.hits(union)
    values = {
        "recall@200": metrics.recall(hits, 200),
        "explore_recall@200": metrics.explore_recall(hits, 200),
        "recall@600": metrics.recall(hits, 600),
        "explore_recall@600": metrics.explore_recall(hits, 600),
        "union_recall": metrics.recall(united, UNION),
        "union_explore_recall": metrics.explore_recall(united, UNION),
    }
    return values, {"coverage@200": metrics.coverage(found.judged, 200, world.active)}


def list_union(world: World, recommender: Recommender, judged_NR: np.ndarray) -> np.ndarray:
    """[N, UNION] items: the most promising of each judged trip's candidates, padded with NO_ITEM."""
    union_NC, nothing = np.full((len(world.judged), UNION), metrics.NO_ITEM, np.int64), tf.zeros([0], tf.int32)
    every = tf.function(recommender.candidates, reduce_retracing=True)
    for start in range(0, len(world.judged), 64):
        which = world.judged[start : start + 64]
        batch = Batch(*map(tf.convert_to_tensor, world.reader.batch(which)))
        best = every(batch, tf.constant(judged_NR[start : start + 64]), nothing, nothing, UNION)
        row = best.row_C.numpy()
        place = np.arange(len(row)) - np.searchsorted(row, row, side="left")
        union_NC[start + row, place] = best.item_C.numpy()
    return union_NC


def measure_ranker(world: World, name: str) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The ranking metrics by trip; coverage."""
    variant = RANKERS[name]
    train, judged = world.samples(variant.preranked)
    bought, run = train.bought_C(world.trips), settings(_seed(name))
    items_NK = ablation_ranking.train_and_list(variant, world.catalog, world.features, train, bought, judged, run.train)
    by_trip = metrics.by_trip(world.hits(items_NK))
    return {metric: by_trip[metric] for metric in RANKED}, {
        metrics.COVERAGE: metrics.coverage(items_NK, 10, world.active)
    }


def _seed(name: str) -> int:
    return SEED + 1 if name == OTHER_SEED else SEED


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):
        main()
