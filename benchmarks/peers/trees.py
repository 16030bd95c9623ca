"""Gradient-boosted trees given what the ranker is given: the same trips, candidates, dense features and negatives.

LightGBM (Ke et al., NIPS 2017), binary objective. The embeddings of item, attributes and shopper are the ranker's
alone. The towers that find the training candidates are trained here in the same way and with the same seed.

Shape legend: C candidates of all trips together, F features, N judged trips, K recommendations a trip.
"""

from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
import yaml

from benchmarks.harness.samples import STEP, as_lists
from components.train.input_pipeline import LossCurve
from components.train.item_neighbours import with_together, with_together_of
from components.train.new_networks import new_networks, recommender_of
from components.train.pre_ranker import train_preranker
from components.train.samples import RankingSamples
from components.train.towers import neighbours, train_towers
from components.train.trip_split import training_trips
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.evaluation.ranking_metrics import NO_ITEM
from model.features.matrix import Features
from model.system.legacy_keras import tf
from tfx_configs.stages import TrainStage

MAX_TREES, PATIENCE = 400, 20
SETTINGS = yaml.safe_load(Path(__file__).with_name("lightgbm.yaml").read_text())


class Rows(NamedTuple):
    """Candidates to learn from."""

    feature_CF: np.ndarray
    label_C: np.ndarray


def train_trees(run: TrainStage, trips: Trips, catalog: Catalog) -> lightgbm.Booster:
    """Trees on the ranker's training trips, as many as do best on its validation trips."""
    train, valid = ranking_rows(run, trips, catalog)
    data = lightgbm.Dataset(train.feature_CF, train.label_C, free_raw_data=True)
    return lightgbm.train(
        SETTINGS | {"seed": run.train.seed},
        data,
        MAX_TREES,
        valid_sets=[lightgbm.Dataset(valid.feature_CF, valid.label_C, reference=data)],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )


def ranking_rows(run: TrainStage, trips: Trips, catalog: Catalog) -> tuple[Rows, Rows]:
    """What components/train/run.py trains and watches the ranker on: (training rows, validation rows)."""
    tf.keras.utils.set_random_seed(run.train.seed)
    reader, learning, train = TripReader(trips, catalog), training_trips(trips, run.train), run.train
    earlier = with_together_of(catalog, trips, run, learning)
    towers, networks = new_networks(run, catalog)
    recommender = recommender_of(run, earlier, networks)
    train_towers(towers, catalog, reader, learning.early, train, LossCurve("towers"))
    retrieved = neighbours(towers, recommender, catalog, reader, learning, run.candidates.retrieved)
    train_preranker(recommender, networks.preranker, reader, learning.ranking, retrieved["train"], train.seed)

    def rows(wanted: np.ndarray, near: np.ndarray) -> Rows:
        shares = train.negative_percent, train.new_only_percent
        samples = RankingSamples(recommender, reader, wanted, near, train.seed, *shares)
        steps = np.split(np.arange(len(wanted)), range(STEP, len(wanted), STEP))
        parts = [samples(step, epoch=0) for step in steps]
        return Rows(*(np.concatenate([part[name] for part in parts]) for name in ("dense_CF", "label_C")))

    return rows(learning.ranking, retrieved["train"]), rows(learning.valid, retrieved["valid"])


def rank(
    trees: lightgbm.Booster,
    run: TrainStage,
    trips: Trips,
    catalog: Catalog,
    which: np.ndarray,
    union: np.ndarray,
    k: int,
) -> np.ndarray:
    """[N, k] item indices: the given candidates of each trip in the trees' order, padded with NO_ITEM.

    Args:
        union: [N, C] item indices, padded with NO_ITEM.
    """
    served = with_together(catalog, trips, run, trips.cut_s).as_served()
    features, reader = Features(served, run.features), TripReader(trips, catalog)
    parts = []
    for start in range(0, len(which), STEP):
        batch = reader.batch(which[start : start + STEP])
        listed_BC = union[start : start + STEP] != NO_ITEM
        row_C, column_C = np.nonzero(listed_BC)
        item_C = union[start + row_C, column_C].astype(np.int32)
        feature_CF = features(batch, item_C, np.cumsum(listed_BC.sum(axis=1)), logs=True)
        score_C = np.asarray(trees.predict(feature_CF, raw_score=True, num_threads=1))
        best_C = np.lexsort((-score_C, row_C))
        parts.append(as_lists(row_C[best_C], item_C[best_C], len(batch.time_B), k))
    return np.concatenate(parts)
