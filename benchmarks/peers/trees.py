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
from model.features.graph import FeatureGraph
from model.networks.recommender import Recommender

from benchmarks.harness.samples import STEP, as_lists
from components.train.input_pipeline import LossCurve, batches
from components.train.pre_ranker import train_preranker
from components.train.ranker import RankingModel, no_scorer
from components.train.towers import TwoTowers, item_index, retrieve, train_towers
from components.train.trip_split import training_trips
from model.data.batch import Batch, TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.evaluation.ranking_metrics import NO_ITEM
from model.networks.ranker import Ranker
from model.system.legacy_keras import tf
from tfx_configs.settings import RunSettings

MAX_TREES, PATIENCE = 400, 20
SETTINGS = yaml.safe_load(Path(__file__).with_name("lightgbm.yaml").read_text())


class Rows(NamedTuple):
    """Candidates to learn from."""

    feature_CF: np.ndarray
    label_C: np.ndarray


def train_trees(run: RunSettings, trips: Trips, catalog: Catalog) -> lightgbm.Booster:
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


def ranking_rows(run: RunSettings, trips: Trips, catalog: Catalog) -> tuple[Rows, Rows]:
    """What components/train/run.py trains and watches the ranker on: (training rows, validation rows)."""
    tf.keras.utils.set_random_seed(run.train.seed)
    reader = TripReader(trips, catalog)
    learning = training_trips(trips, run.train)
    towers = TwoTowers(catalog, run.train)
    train_towers(towers, reader, learning.early, run.train, LossCurve("towers"))
    index = item_index(towers, catalog, reader, learning.ranking)
    recommender = Recommender(catalog, run, no_scorer, towers.queries)
    ranker, train = Ranker(catalog, len(recommender.features.records)), run.train
    model = RankingModel(recommender, ranker, train.negative_percent, train.new_only_percent)
    sample = tf.function(lambda inputs: model.sample(inputs)[2:], reduce_retracing=True)

    def rows(wanted: np.ndarray, retrieved: np.ndarray) -> Rows:
        parts = [sample(inputs) for inputs in batches(reader, wanted, run.train.ranking_batch, None, retrieved)]
        return Rows(np.concatenate([f.numpy() for _, f in parts]), np.concatenate([y.numpy() for y, _ in parts]))

    taught, watched = (
        retrieve(towers, index, reader, wanted, run.candidates.retrieved)
        for wanted in (learning.ranking, learning.valid)
    )
    train_preranker(recommender, reader, learning.ranking, taught, run.train.seed)
    return rows(learning.ranking, taught), rows(learning.valid, watched)


def rank(
    trees: lightgbm.Booster,
    run: RunSettings,
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
    graph, reader = FeatureGraph(catalog.as_served(), run.features), TripReader(trips, catalog)
    dense = tf.function(lambda batch, item_C, row_C: graph.dense(graph(batch, item_C, row_C)), reduce_retracing=True)
    parts = []
    for start in range(0, len(which), STEP):
        batch = reader.batch(which[start : start + STEP])
        row_C, column_C = np.nonzero(union[start : start + STEP] != NO_ITEM)
        item_C = union[start + row_C, column_C]
        tensors = Batch(*map(tf.convert_to_tensor, batch))
        feature_CF = dense(tensors, tf.constant(item_C, tf.int32), tf.constant(row_C, tf.int32)).numpy()
        score_C = np.asarray(trees.predict(feature_CF, raw_score=True, num_threads=1))
        best_C = np.lexsort((-score_C, row_C))
        parts.append(as_lists(row_C[best_C], item_C[best_C], len(batch.time_B), k))
    return np.concatenate(parts)
