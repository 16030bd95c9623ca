"""Trains the ranker on the candidates that serving would rank, with TFRS.

Shape legend: B trips, C candidates, F features.
"""

from typing import Any

import numpy as np

from components.train import distributed as workers
from components.train.input_pipeline import LossCurve, batches
from components.train.samples import RANKER_INPUTS, RankingSamples
from components.train.schedule import RANKER, schedule
from components.train.trip_split import TrainingTrips
from model.data.batch import TripReader
from model.networks.ranker import Ranker
from model.networks.tfrs import tfrs
from model.ranking.recommender import Recommender
from model.system.legacy_keras import Tensor, tf
from tfx_configs.settings import TrainSettings

LEARNING_RATE = 2e-3
"""At the start; it falls to zero along a cosine."""
LISTWISE = 0.05
"""Weight of the listwise loss: it is some fifty times as large as the pointwise one."""
STANDARDISE_BATCHES = 20


class RankingModel(tfrs.Model):
    """Learns from the candidate union: all positives, a share of the negatives.

    Two losses: pointwise logistic, which makes the scores probabilities, and listwise softmax, which counts every trip
    alike and depends on the order (Bruch et al., "An Analysis of the Softmax Cross Entropy Loss for Learning-to-Rank
    with Binary Relevance", ICTIR 2019).
    """

    def __init__(self, ranker: Ranker) -> None:
        with workers.strategy().scope():
            super().__init__()
        self.ranker = ranker
        # Keras takes the mean over the candidates; that of the batch would be refused with several workers.
        cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True, reduction=tf.keras.losses.Reduction.SUM)
        self._task = tfrs.tasks.Ranking(loss=cross_entropy)

    def compute_loss(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Pointwise plus weighted listwise loss, of which this worker's share. `inputs`: of RankingSamples."""
        label_C = inputs["label_C"]
        logits = self.ranker(*(inputs[name] for name in RANKER_INPUTS))
        requests = tf.size(inputs["trip_B"])
        pointwise = self._task(labels=label_C, predictions=logits, compute_metrics=False)
        listwise = listwise_loss(logits, label_C, inputs["row_C"], requests)
        return workers.part(tf.size(label_C)) * pointwise + LISTWISE * workers.part(requests) * listwise


def listwise_loss(logit_C: Tensor, label_C: Tensor, row_C: Tensor, rows: Tensor) -> Tensor:
    """Mean over the trips of -sum(log softmax of what was bought) / sqrt(how much was bought): [] float32.

    The root keeps a large basket from counting as many trips; a trip without a positive counts 0.
    """
    logit_C -= tf.gather(tf.math.unsorted_segment_max(logit_C, row_C, rows), row_C)
    total_B = tf.math.unsorted_segment_sum(tf.exp(logit_C), row_C, rows)
    loss_C = label_C * (tf.math.log(tf.gather(total_B, row_C)) - logit_C)
    bought_B = tf.math.unsorted_segment_sum(label_C, row_C, rows)
    return tf.reduce_mean(tf.math.divide_no_nan(tf.math.unsorted_segment_sum(loss_C, row_C, rows), tf.sqrt(bought_B)))


def train_ranker(
    recommender: Recommender,
    ranker: Ranker,
    reader: TripReader,
    learning: TrainingTrips,
    retrieved: dict[str, np.ndarray],
    settings: TrainSettings,
    watch: LossCurve,
    rate: float = LEARNING_RATE,
    standardise: bool = True,
) -> None:
    """Trains `ranker`, that of the recommender's networks, in place. Its logits are then too high by
    log(1 / share of negatives): see calibrate.py.

    Args:
        learning: the ranking trips teach, the loss on the valid ones is only watched.
        retrieved: {"train", "valid"}: [n, R] int32 items from the towers for each of them.
        rate: the learning rate at the start. standardise: sets the ranker's mean and scale first.
    """
    plan = schedule(len(learning.ranking), RANKER, settings.ranking_epochs, settings.ranking_batch)
    size, seed = plan.batch, settings.seed
    shares = settings.negative_percent, settings.new_only_percent
    learned = RankingSamples(recommender, reader, learning.ranking, retrieved["train"], seed, *shares)
    watched = RankingSamples(recommender, reader, learning.valid, retrieved["valid"], seed, *shares)

    def training(worker: int, of: int) -> Any:
        return batches(learned, len(learning.ranking), size, seed, (worker, of))

    def valid(worker: int, of: int) -> Any:
        return batches(watched, len(learning.valid), size, None, (worker, of))

    model = RankingModel(ranker)
    if standardise:
        rows = np.random.default_rng(seed).permutation(len(learning.ranking))[: STANDARDISE_BATCHES * size]
        _standardise(ranker, [learned(part, 0)["dense_CF"] for part in np.split(rows, range(size, len(rows), size))])
    falling = tf.keras.optimizers.schedules.CosineDecay(rate, plan.steps(len(learning.ranking)))
    model.compile(optimizer=tf.keras.optimizers.legacy.Adam(falling))
    workers.fit(model, training, valid if len(learning.valid) else None, plan.epochs, watch)


def _standardise(ranker: Ranker, dense: list[np.ndarray]) -> None:
    """Sets the ranker's mean and scale from [C, F] features of some batches."""
    dense_CF = np.concatenate(dense)
    ranker.mean_F.assign(dense_CF.mean(axis=0))
    ranker.scale_F.assign(np.maximum(dense_CF.std(axis=0), 1e-3))
