"""Trains the ranker on the candidates that serving would rank, with TFRS.

Shape legend: B trips, R retrieved, C candidates, F features.
"""

from typing import Any

import numpy as np

from components.train import distributed as workers
from components.train.input_pipeline import LossCurve, batches
from components.train.trip_split import TrainingTrips
from model.data.batch import Batch, TripReader
from model.features.joins import contains
from model.networks.candidates import Candidates
from model.networks.ranker import Ranker
from model.networks.recommender import Recommender
from model.networks.tfrs import tfrs
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

    def __init__(
        self, recommender: Recommender, ranker: Ranker, negative_percent: float, new_only_percent: float = 0.0
    ) -> None:
        with workers.strategy().scope():
            super().__init__()
        self.ranker = ranker
        self._recommender = recommender
        self._keep, self._new_only = negative_percent / 100, new_only_percent / 100
        # Keras takes the mean over the candidates; that of the batch would be refused with several workers.
        cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True, reduction=tf.keras.losses.Reduction.SUM)
        self._task = tfrs.tasks.Ranking(loss=cross_entropy)

    def compute_loss(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Pointwise plus weighted listwise loss, of which this worker's share. `inputs`: the fields of Batch, the
        baskets and retrieved_BR."""
        batch, candidates, label_C, dense_CF = self.sample(inputs)
        logits = self.ranker(dense_CF, candidates.item_C, tf.gather(batch.user_B, candidates.row_C))
        requests = tf.size(batch.time_B)
        pointwise = self._task(labels=label_C, predictions=logits, compute_metrics=False)
        listwise = listwise_loss(logits, label_C, candidates.row_C, requests)
        return workers.part(tf.size(label_C)) * pointwise + LISTWISE * workers.part(requests) * listwise

    def sample(self, inputs: dict[str, Tensor]) -> tuple[Batch, Candidates, Tensor, Tensor]:
        """(batch, candidates, label [C], dense features [C, F]) of the trips: every positive, a share of the rest.

        Of some trips everything that the shopper bought before is barred, as in a request for what is new."""
        batch = Batch(**{name: inputs[name] for name in Batch._fields})
        new_only_B = tf.random.uniform(tf.shape(batch.time_B), seed=3) < self._new_only
        barred_H = tf.gather(new_only_B, batch.history_row_H)
        item_X, row_X = (tf.boolean_mask(a, barred_H) for a in (batch.history_item_H, batch.history_row_H))
        every = self._recommender.candidates
        union = every(batch, inputs["retrieved_BR"], item_X, row_X, every.limit)
        bought = contains(union.row_C, union.item_C, inputs["basket_row"], inputs["basket_item"])
        sampled = bought | (tf.random.uniform(tf.shape(bought), seed=1) < self._keep)
        candidates = Candidates(*(tf.boolean_mask(a, sampled) for a in union))
        values = self._recommender.features(batch, candidates.item_C, candidates.row_C)
        label_C = tf.cast(tf.boolean_mask(bought, sampled), tf.float32)
        return batch, candidates, label_C, self._recommender.features.dense(values)


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
    """Trains `ranker` in place. Its logits are then too high by log(1 / share of negatives): see calibrate.py.

    Args:
        learning: the ranking trips teach, the loss on the valid ones is only watched.
        retrieved: {"train", "valid"}: [n, R] int32 items from the towers for each of them.
        rate: the learning rate at the start. standardise: sets the ranker's mean and scale first.
    """
    size = settings.ranking_batch

    def training(worker: int, of: int) -> Any:
        return batches(reader, learning.ranking, size, settings.seed, retrieved["train"], (worker, of))

    def valid(worker: int, of: int) -> Any:
        return batches(reader, learning.valid, size, None, retrieved["valid"], (worker, of))

    model = RankingModel(recommender, ranker, settings.negative_percent, settings.new_only_percent)
    if standardise:
        with workers.strategy().scope():
            _standardise(model, training(0, 1))
    steps = settings.ranking_epochs * -(-len(learning.ranking) // size)
    falling = tf.keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(optimizer=tf.keras.optimizers.legacy.Adam(falling))
    workers.fit(model, training, valid if len(learning.valid) else None, settings.ranking_epochs, watch)


def _standardise(model: RankingModel, data: Any) -> None:
    """Sets the ranker's mean and scale from the first batches of the training trips."""
    sample = tf.function(lambda inputs: model.sample(inputs)[3], autograph=False, reduce_retracing=True)
    dense = np.concatenate([sample(inputs).numpy() for inputs in data.take(STANDARDISE_BATCHES)])
    model.ranker.mean_F.assign(dense.mean(axis=0))
    model.ranker.scale_F.assign(np.maximum(dense.std(axis=0), 1e-3))


def no_scorer(*_: Any, **__: Any) -> Tensor:
    """For a Recommender that only lists candidates and their features, as in training."""
    raise AssertionError("the training graph lists candidates and features; it does not rank")
