"""Trains the ranker on the candidates that serving would rank, with TFRS.

Shape legend: B trips, R retrieved, C candidates, F features.
"""

import math
from typing import Any

import numpy as np

from components.train.batches import Keras, batches
from model.backend import tf
from model.candidates import Candidates
from model.inputs import Batch, TripReader
from model.matching import contains
from model.ranker import Ranker
from model.recommender import Recommender
from model.tfrs import tfrs
from tfx_configs.settings import TrainSettings

LEARNING_RATE = 1e-3
STANDARDISE_BATCHES = 20


class RankingModel(tfrs.Model):
    """Pointwise logistic loss over the candidate union: all positives, a share of the negatives."""

    def __init__(self, recommender: Recommender, ranker: Ranker, negative_percent: float) -> None:
        super().__init__()
        self.ranker = ranker
        self._recommender = recommender
        self._keep = negative_percent / 100
        self._task = tfrs.tasks.Ranking(loss=tf.keras.losses.BinaryCrossentropy(from_logits=True))

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """Mean loss a candidate. `inputs`: the fields of Batch, the baskets and retrieved_BR."""
        batch, candidates, label_C, dense_CF = self.sample(inputs)
        logits = self.ranker(dense_CF, candidates.item_C, tf.gather(batch.user_B, candidates.row_C))
        return self._task(labels=label_C, predictions=logits, compute_metrics=False)

    def sample(self, inputs: dict[str, Any]) -> tuple[Batch, Candidates, Any, Any]:
        """(batch, candidates, label [C], dense features [C, F]) of the trips: every positive, a share of the rest."""
        batch = Batch(**{name: inputs[name] for name in Batch._fields})
        nothing = tf.zeros([0], tf.int32)
        union = self._recommender.union(batch, inputs["retrieved_BR"], nothing, nothing)
        bought = contains(union.row_C, union.item_C, inputs["basket_row"], inputs["basket_item"])
        kept = bought | (tf.random.uniform(tf.shape(bought), seed=1) < self._keep)
        candidates = Candidates(*(tf.boolean_mask(a, kept) for a in union))
        values = self._recommender.feature_values(batch, candidates.item_C, candidates.row_C)
        label_C = tf.cast(tf.boolean_mask(bought, kept), tf.float32)
        return batch, candidates, label_C, self._recommender.features.dense(values)


def train_ranker(
    recommender: Recommender,
    ranker: Ranker,
    reader: TripReader,
    which: np.ndarray,
    valid: np.ndarray,
    retrieved: dict[str, np.ndarray],
    settings: TrainSettings,
    watch: Keras,
) -> None:
    """Trains `ranker` in place, then shifts its logits by log(share of negatives kept) so that they are calibrated.

    Args:
        which, valid: trip indices; the loss on `valid` is only watched.
        retrieved: {"train", "valid"}: [n, R] int32 items from the towers for each of them.
    """
    model = RankingModel(recommender, ranker, settings.negative_percent)
    _standardise(model, batches(reader, which, settings.ranking_batch, settings.seed, retrieved["train"]))
    model.compile(optimizer=tf.keras.optimizers.legacy.Adam(LEARNING_RATE))
    model.fit(
        batches(reader, which, settings.ranking_batch, settings.seed, retrieved["train"]),
        validation_data=batches(reader, valid, settings.ranking_batch, None, retrieved["valid"])
        if len(valid)
        else None,
        epochs=settings.ranking_epochs,
        callbacks=[watch],
        verbose=0,
    )
    ranker.calibration.assign(math.log(settings.negative_percent / 100))


def _standardise(model: RankingModel, data: Any) -> None:
    """Sets the ranker's mean and scale from the first batches of the training trips."""
    sample = tf.function(lambda inputs: model.sample(inputs)[3], reduce_retracing=True)
    dense = np.concatenate([sample(inputs).numpy() for inputs in data.take(STANDARDISE_BATCHES)])
    model.ranker.mean_F.assign(dense.mean(axis=0))
    model.ranker.scale_F.assign(np.maximum(dense.std(axis=0), 1e-3))
