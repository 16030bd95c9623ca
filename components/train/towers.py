"""Trains the two towers on what shoppers bought for the first time, with TFRS.

Own purchases come from the shopper's history anyway; the towers are there for the rest.

Shape legend: B trips, H history events, L basket entries, N positives, U uniform negatives, M both,
A active items, d width of the vectors.
"""

from typing import Any

import numpy as np

from components.train import distributed as workers
from components.train.input_pipeline import LossCurve, batches
from components.train.schedule import SEQUENCE, TOWERS, schedule
from components.train.sequences import NextPurchases
from components.train.trip_split import TrainingTrips
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.membership import contains
from model.features.recent import Recent, RecentEvents
from model.networks.query_towers import QUERY_TOWERS
from model.networks.sequence_tower import SequenceTower
from model.networks.tfrs import tfrs
from model.networks.two_tower import ItemTower
from model.package.vector_index import Index, build_index
from model.ranking.recommender import Recommender
from model.system.disk_arrays import on_disk
from model.system.legacy_keras import Tensor, tf
from tfx_configs.settings import TrainSettings

LEARNING_RATE = 2e-3
ITEMS_STEP = 8192
"""Items whose vectors are computed at once."""
INDEX_QUERIES = 256
"""Trips whose queries measure how much an approximate index finds."""


class TwoTowers(tfrs.Model):
    """Softmax with logQ correction: a positive's negatives are the other positives of the batch, and items drawn
    uniformly, which few positives are (mixed negative sampling, Yang et al., WWW 2020).

    The correction subtracts log(probability of an item to be among them) from its logit (Yi et al. 2019), so that
    popular items are not punished for being sampled more often as negatives.
    """

    def __init__(self, catalog: Catalog, settings: TrainSettings, query: str = "taste") -> None:
        """query: which of QUERY_TOWERS."""
        with workers.strategy().scope():
            super().__init__()
            self.items = ItemTower(catalog.vocabulary_size, catalog.attribute_sizes, settings.dimension)
            self.queries = QUERY_TOWERS[query](self.items, catalog.user_attribute_sizes, settings.dimension)
        self._task = tfrs.tasks.Retrieval(temperature=settings.temperature, remove_accidental_hits=True)
        weight = catalog.decayed_WI[-1] + 1.0
        self._share_I = tf.Variable(weight / weight.sum(), trainable=False, dtype=tf.float32)
        self._vocabulary_I = tf.Variable(catalog.vocabulary_I, trainable=False, name="vocabulary")
        self._attribute_IA = tf.Variable(catalog.attribute_IA, trainable=False, name="attributes")
        self._active_A = tf.Variable(catalog.active_items(), trainable=False, name="active")
        self._uniform = settings.uniform_negatives

    def compute_loss(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Mean loss a positive, of which this worker's share. `inputs`: of FirstPurchases or NextPurchases."""
        recent, item_N, row_N = Recent(*(inputs[name] for name in Recent._fields)), inputs["item_N"], inputs["row_N"]
        every_item = workers.gather(item_N)
        positives, active = tf.cast(tf.size(every_item), tf.float32), tf.size(self._active_A)
        drawn_U = tf.gather(self._active_A, tf.random.uniform([self._uniform], 0, active, tf.int32, seed=2))
        item_M = tf.concat([every_item, drawn_U], 0)
        expected_M = positives * tf.gather(self._share_I, item_M) + self._uniform / tf.cast(active, tf.float32)
        loss = self._task(
            tf.gather(self.queries.learned(recent, training), row_N),
            self.vectors(item_M),
            candidate_sampling_probability=expected_M / (positives + self._uniform),
            candidate_ids=item_M,
            compute_metrics=False,
        )
        return loss / tf.maximum(positives, 1.0)

    def vectors(self, item_M: Tensor) -> Tensor:
        """[M, d] unit vectors of the catalog's items. item_M: [M] int32 index."""
        return self.items(tf.gather(self._vocabulary_I, item_M), tf.gather(self._attribute_IA, item_M))


class FirstPurchases:
    """Trips as the towers learn from them: what was bought on them for the first time."""

    def __init__(self, reader: TripReader, catalog: Catalog, which: np.ndarray) -> None:
        """which: [n] trips; those without history are skipped."""
        which = which[reader.trips.history_end_T[which] > reader.trips.history_begin_T[which]]
        self._reader, self._which, self._recent = reader, which, RecentEvents(catalog)

    def __len__(self) -> int:
        return len(self._which)

    def __call__(self, rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
        """The fields of Recent, [N] item index and [N] row of each purchase."""
        batch = self._reader.batch(self._which[rows])
        item_L, row_L = self._reader.baskets(self._which[rows])
        first_L = ~contains(row_L, item_L, batch.history_row_H, batch.history_item_H)
        return self._recent(batch)._asdict() | {"item_N": item_L[first_L], "row_N": row_L[first_L]}


def train_towers(
    towers: TwoTowers,
    catalog: Catalog,
    reader: TripReader,
    which: np.ndarray,
    settings: TrainSettings,
    watch: LossCurve,
    rate: float = LEARNING_RATE,
    valid: np.ndarray | None = None,
    epochs: int | None = None,
) -> None:
    """Trains `towers` in place, from where they are, on the given trips.

    Args:
        valid: [n] later trips, by whose loss a training of more epochs than the least ends.
        epochs: where the settings leave them to the data, these; None: from the number of trips.
    """
    learned, held_out = (
        lessons(towers, reader, catalog, trips, settings)
        for trips in (which, np.empty(0, int) if valid is None else valid)
    )
    pace = SEQUENCE if isinstance(towers.queries, SequenceTower) else TOWERS
    plan = schedule(len(learned), pace, settings.retrieval_epochs or epochs, settings.retrieval_batch)
    towers.compile(optimizer=tf.keras.optimizers.legacy.Adam(rate))

    def training(worker: int, of: int) -> Any:
        return batches(learned, len(learned), plan.batch, settings.seed, (worker, of))

    def watching(worker: int, of: int) -> Any:
        return batches(held_out, len(held_out), plan.batch, None, (worker, of))

    workers.fit(towers, training, watching if plan.watched and len(held_out) else None, plan.epochs, watch)


def lessons(
    towers: TwoTowers, reader: TripReader, catalog: Catalog, which: np.ndarray, settings: TrainSettings
) -> FirstPurchases | NextPurchases:
    """What the towers learn from these trips."""
    if not len(which) or not isinstance(towers.queries, SequenceTower):
        return FirstPurchases(reader, catalog, which)
    time_n = reader.trips.time_T[which]
    return NextPurchases(reader, catalog, int(time_n.min()), int(time_n.max()) + 1, settings.seed)


def item_index(
    towers: TwoTowers, recommender: Recommender, catalog: Catalog, reader: TripReader, asked: np.ndarray
) -> Index:
    """The towers' index of the items that can be bought now; what it finds is measured on some of the `asked` trips."""
    active, items = catalog.active_items(), catalog.items
    parts = [towers.vectors(tf.range(i, min(i + ITEMS_STEP, items))).numpy() for i in range(0, items, ITEMS_STEP)]
    return build_index(
        np.concatenate(parts)[active], active, lambda: query_vectors(recommender, reader, asked[:INDEX_QUERIES])
    )


def neighbours(
    towers: TwoTowers,
    recommender: Recommender,
    catalog: Catalog,
    reader: TripReader,
    learning: TrainingTrips,
    most: int,
) -> dict[str, np.ndarray]:
    """{train, valid: [n, most] int32}: what the towers find now for the trips of the ranker's training."""
    index = item_index(towers, recommender, catalog, reader, learning.ranking)
    return {
        "train": retrieve(recommender, index, reader, learning.ranking, most),
        "valid": retrieve(recommender, index, reader, learning.valid, most),
    }


def retrieve(
    recommender: Recommender, index: Index, reader: TripReader, which: np.ndarray, k: int, step: int = 256
) -> np.ndarray:
    """[n, k] int32 items nearest to each of the given trips, best first, -1 where there are fewer; on disk."""
    batches = (which[i : i + step] for i in range(0, len(which), step))
    nearest = (index.search(recommender.query(reader.batch(which_B)), k) for which_B in batches)
    return on_disk(nearest, np.dtype(np.int32), (k,))


def query_vectors(recommender: Recommender, reader: TripReader, which: np.ndarray, step: int = 256) -> np.ndarray:
    """[n, d] float32 vectors of the given trips."""
    parts = [recommender.query(reader.batch(which[i : i + step])) for i in range(0, len(which), step)]
    return np.concatenate(parts)
