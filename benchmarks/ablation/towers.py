"""The towers with one part taken out or put in: what each part of retrieval is worth.

Shape legend: B trips, N positives, U uniform negatives, R retrieved, k mined of each trip, M all candidates of a step.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from components.train.input_pipeline import LossCurve, batches
from components.train.new_networks import new_networks, recommender_of
from components.train.schedule import TOWERS as PACE
from components.train.schedule import schedule
from components.train.towers import LEARNING_RATE, FirstPurchases, TwoTowers, item_index, retrieve, train_towers
from components.train.trip_split import TrainingTrips
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.features.recent import TASTE_DAYS, Recent
from model.networks.tfrs import tfrs
from model.networks.trained import TrainedNetworks
from model.networks.two_tower import TasteTower
from model.system.legacy_keras import tf
from tfx_configs.settings import TrainSettings
from tfx_configs.stages import TrainStage

HARDEST = 100
"""Negatives that TFRS keeps of each positive's, those with the highest logits."""
MINED_FROM, MINED_TO = 100, 600
"""Places of the towers' list that hard negatives come from: what is nearer is too often bought soon."""
MINED = 4
"""Hard negatives of each trip."""

Make = Callable[[Catalog, TrainSettings], TwoTowers]


class Lists(NamedTuple):
    """Items nearest to trips, best first, as the two indexes of a training find them; int32, padded with -1."""

    early: np.ndarray
    """[n, R] by towers that have not seen these trips."""
    judged: np.ndarray
    """[N, R] by towers trained on everything before the cut."""


def train_and_list(
    make: Make,
    run: TrainStage,
    catalog: Catalog,
    reader: TripReader,
    learning: TrainingTrips,
    asked: Lists,
    most: int,
) -> Lists:
    """Trains as components/train/run.py does: on the early trips, then on the rest.

    Args:
        asked: trip indices in place of the lists. most: R, items listed for each.
    """
    settings = run.train
    tf.keras.utils.set_random_seed(settings.seed)
    towers, watch = make(catalog, settings), LossCurve("towers")
    _, others = new_networks(run, catalog)
    networks = TrainedNetworks(towers.queries, others.preranker, others.ranker)
    recommender = recommender_of(run, catalog, networks)
    train_towers(towers, catalog, reader, learning.early, settings, watch)
    index = item_index(towers, recommender, catalog, reader, learning.ranking)
    early = retrieve(recommender, index, reader, asked.early, most)
    later = np.concatenate([learning.ranking, learning.valid])
    if isinstance(towers, Mined):
        trips = reader.trips
        later = later[trips.history_end_T[later] > trips.history_begin_T[later]]
        listed = retrieve(recommender, index, reader, later, MINED_TO)[:, MINED_FROM:]
        purchases = FirstPurchases(reader, catalog, later)
        towers.learn(purchases, mine(reader, later, listed, settings.seed), settings, watch)
    else:
        train_towers(towers, catalog, reader, later, settings, watch)
    index = item_index(towers, recommender, catalog, reader, learning.ranking)
    return Lists(early=early, judged=retrieve(recommender, index, reader, asked.judged, most))


class _WithoutProbabilities(tfrs.tasks.Retrieval):
    """Popular items are negatives as often as they are bought, and nothing makes up for it."""

    def call(self, query: Any, candidate: Any, candidate_ids: Any = None, **ignored: Any) -> Any:
        return super().call(query, candidate, candidate_ids=candidate_ids, compute_metrics=False)


class _SomeSpans(TasteTower):
    """Sums the history for some of the half-lives only; the others' sums are 0, as those of no history are."""

    days: tuple[float, ...] = ()

    def __call__(self, recent: Recent) -> Any:
        """As TasteTower."""
        summed_L = tf.constant([float(days in self.days) for days in TASTE_DAYS])
        return super().__call__(recent._replace(weight_BRL=recent.weight_BRL * summed_L))


class Mined(TwoTowers):
    """Besides the usual negatives, each positive has those mined for its trip.

    A trip's MINED are drawn from the MINED_TO - MINED_FROM places of its list, which is how likely each was: the logQ
    correction holds for them as well.
    """

    def learn(self, purchases: FirstPurchases, mined: np.ndarray, settings: TrainSettings, watch: LossCurve) -> None:
        """As train_towers, with [n, k] mined items of each trip."""
        self.compile(optimizer=tf.keras.optimizers.legacy.Adam(LEARNING_RATE))

        def prepare(rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
            return purchases(rows, epoch) | {"mined_Bk": mined[rows]}

        plan = schedule(len(mined), PACE, settings.retrieval_epochs, settings.retrieval_batch)
        data = batches(prepare, len(mined), plan.batch, settings.seed)
        self.fit(data, epochs=plan.epochs, callbacks=[watch], verbose=0)

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """Mean loss a positive, as in TwoTowers, which it is without mined items (`mined_Bk`)."""
        if "mined_Bk" not in inputs:
            return super().compute_loss(inputs, training)
        recent, item_N, row_N = Recent(*(inputs[name] for name in Recent._fields)), inputs["item_N"], inputs["row_N"]
        positives, active = tf.cast(tf.size(item_N), tf.float32), tf.size(self._active_A)
        drawn_U = tf.gather(self._active_A, tf.random.uniform([self._uniform], 0, active, tf.int32, seed=2))
        mined_Bk = inputs["mined_Bk"]
        own = tf.repeat(tf.range(tf.shape(mined_Bk)[0]), MINED)
        mined = tf.reshape(mined_Bk, [-1])
        item_M = tf.concat([item_N, drawn_U, tf.maximum(mined, 0)], 0)
        for_all = tf.ones([tf.size(row_N), tf.size(item_N) + self._uniform], tf.bool)
        seen_NM = tf.concat([for_all, (row_N[:, None] == own) & (mined >= 0)], 1)
        expected_M = positives * tf.gather(self._share_I, item_M) + self._uniform / tf.cast(active, tf.float32)
        drawn_M = tf.concat([tf.zeros([tf.size(item_N) + self._uniform]), tf.ones(tf.size(mined))], 0)
        expected_M += drawn_M * MINED / (MINED_TO - MINED_FROM)
        loss = self._task(
            tf.gather(self.queries(recent), row_N),
            self.vectors(item_M),
            candidate_sampling_probability=expected_M / (positives + self._uniform),
            candidate_ids=item_M,
            score_mask=seen_NM,
            compute_metrics=False,
        )
        return loss / tf.maximum(positives, 1.0)


def mine(reader: TripReader, which: np.ndarray, listed: np.ndarray, seed: int, k: int = MINED) -> np.ndarray:
    """[n, k] int32: of each trip's listed items, k drawn ones that the shopper neither bought then nor before; -1 where
    there are fewer.

    Args:
        which: [n] trips. listed: [n, R] int32 items, padded with -1.
    """
    rng, trips = np.random.default_rng(seed), reader.trips
    mined = np.full((len(which), k), -1, np.int32)
    for row, trip in enumerate(which.tolist()):
        bought = np.concatenate([trips.basket(trip), trips.event_item_E[trips.history(trip)]])
        wrong = listed[row][(listed[row] >= 0) & ~np.isin(listed[row], bought)]
        picked = rng.permutation(wrong)[:k]
        mined[row, : len(picked)] = picked
    return mined


def _with(**changed: Any) -> Make:
    return lambda catalog, settings: TwoTowers(catalog, settings.replace(**changed))


def _with_task(make: Callable[..., Any] = tfrs.tasks.Retrieval, **options: Any) -> Make:
    """Towers with another loss."""

    def made(catalog: Catalog, settings: TrainSettings) -> TwoTowers:
        towers = TwoTowers(catalog, settings)
        towers._task = make(temperature=settings.temperature, **options)
        return towers

    return made


def _with_spans(days: tuple[float, ...], catalog: Catalog, settings: TrainSettings) -> TwoTowers:
    """Of the history, only the sums with these half-lives."""
    towers = TwoTowers(catalog, settings)
    towers.queries = _SomeSpans(towers.items, catalog.user_attribute_sizes, settings.dimension)
    towers.queries.days = days
    return towers


def _ids_only(catalog: Catalog, settings: TrainSettings) -> TwoTowers:
    none = np.zeros((catalog.items, 0), np.int32)
    return TwoTowers(dataclasses.replace(catalog, attribute_names=(), attribute_sizes=(), attribute_IA=none), settings)


AS_IT_IS = "as it is"
OTHER_SEED = "as it is, another seed"
LINE_ALONE = "the pre-ranker's line alone"
LONGER = "+ three epochs"
TOWERS: dict[str, Make] = {
    LONGER: TwoTowers,
    AS_IT_IS: TwoTowers,
    "no logQ correction": _with_task(_WithoutProbabilities, remove_accidental_hits=True),
    "negatives of the batch only": _with(uniform_negatives=0),
    "temperature 1": _with(temperature=1.0),
    "ids only, no attributes": _ids_only,
    "+ mined hard negatives": Mined,
    "no recent purchases": partial(_with_spans, ()),
    "recent purchases summed once": partial(_with_spans, (30.0,)),
    LINE_ALONE: TwoTowers,
    "accidental hits kept": _with_task(),
    f"+ the hardest {HARDEST} negatives only": _with_task(remove_accidental_hits=True, num_hard_negatives=HARDEST),
    OTHER_SEED: TwoTowers,
}
