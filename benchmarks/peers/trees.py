"""Gradient-boosted trees given what the ranker is given: the same trips, candidates, features, negatives and codes.

LightGBM (Ke et al., NIPS 2017), as many trees as have the best ndcg@10 on the ranker's validation trips. The codes of
the attributes of item and shopper are categories; the item itself, which the ranker embeds, is none. The towers that
find the training candidates are trained here in the same way and with the same seed.

Shape legend: C candidates of all trips together, n trips, F features and codes, N judged trips, K recommendations.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

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
GRID: list[dict[str, Any]] = [{"num_leaves": leaves} for leaves in (31, 63, 127)]
"""What a search tries in place of SETTINGS."""
_VALID = "valid"


class Rows(NamedTuple):
    """Candidates to learn from, one trip after the other."""

    feature_CF: np.ndarray
    """Dense features, then `codes` columns of categories."""
    label_C: np.ndarray
    length_n: np.ndarray
    """Candidates of each trip that has any."""
    codes: int


def train_trees(train: Rows, valid: Rows, settings: Mapping[str, Any], seed: int) -> lightgbm.Booster:
    """As many trees as do best on the validation rows.

    Args:
        settings: in place of SETTINGS.
    """
    features = train.feature_CF.shape[1]
    categories = list(range(features - train.codes, features))
    data = lightgbm.Dataset(train.feature_CF, train.label_C, group=train.length_n, categorical_feature=categories)
    watched = data.create_valid(valid.feature_CF, valid.label_C, group=valid.length_n)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    return lightgbm.train(
        SETTINGS | settings | {"seed": seed},
        data,
        MAX_TREES,
        valid_sets=[watched],
        valid_names=[_VALID],
        callbacks=[stop],
    )


def reached(trees: lightgbm.Booster) -> float:
    """ndcg@10 on the validation rows."""
    return float(trees.best_score[_VALID]["ndcg@10"])


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
        features = [np.concatenate([p["dense_CF"], p["attribute_CA"], p["user_CD"]], axis=1) for p in parts]
        lengths = np.concatenate([np.bincount(part["row_C"]) for part in parts])
        return Rows(
            feature_CF=np.concatenate(features, dtype=np.float32),
            label_C=np.concatenate([part["label_C"] for part in parts]),
            length_n=lengths[lengths > 0],
            codes=parts[0]["attribute_CA"].shape[1] + parts[0]["user_CD"].shape[1],
        )

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
        dense_CF = features(batch, item_C, np.cumsum(listed_BC.sum(axis=1)), logs=True)
        every = np.concatenate([dense_CF, served.attribute_IA[item_C], batch.user_BD[row_C]], axis=1, dtype=np.float32)
        score_C = np.asarray(trees.predict(every, raw_score=True, num_threads=1))
        best_C = np.lexsort((-score_C, row_C))
        parts.append(as_lists(row_C[best_C], item_C[best_C], len(batch.time_B), k))
    return np.concatenate(parts)
