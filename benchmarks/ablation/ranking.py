"""The ranker with one part taken out or put in: what each part of ranking is worth.

Candidates and features are those of benchmarks/harness/samples.py, the same for every variant but the one without
pre-ranker.

Shape legend: B trips of a step, C candidates of all of them together, F features, N judged trips, K places of a list,
L recent purchases, d width of an item's embedding, u units.
"""

import dataclasses
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.ablation.towers import AS_IT_IS, OTHER_SEED
from benchmarks.harness.samples import Samples, as_lists
from components.train.input_pipeline import LossCurve
from components.train.ranker import LEARNING_RATE, LISTWISE, STANDARDISE_BATCHES, listwise_loss
from components.train.schedule import RANKER, schedule
from model.data.catalog import Catalog
from model.data.trips import slice_positions
from model.networks.attribute_embedding import AttributeEmbedding
from model.networks.ranker import Ranker
from model.networks.tfrs import tfrs
from model.system.legacy_keras import tf
from tfx_configs.settings import TrainSettings

K = 20
IDENTITY, ATTRIBUTE, UNITS = 8, 4, 16
"""Widths of attention."""


class ItemCodes(tf.Module):
    """What networks embed of the catalog's items."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(name="item_codes")
        self._vocabulary_I = tf.Variable(catalog.vocabulary_I, trainable=False, name="vocabulary")
        self._attribute_IA = tf.Variable(catalog.attribute_IA, trainable=False, name="attributes")

    def __call__(self, item_X: Any) -> tuple[Any, Any]:
        """([X] embedding row, [X, A] attributes' codes)"""
        return tf.gather(self._vocabulary_I, item_X), tf.gather(self._attribute_IA, item_X)


class Attention(tf.Module):
    """Sums the recent purchases, weighted for each candidate, beside the ranker's own features.

    After Zhou et al., "Deep Interest Network for Click-Through Rate Prediction" (KDD 2018): a small network takes the
    candidate, the purchase and their product and gives the purchase a weight; the weighted purchases are summed,
    without a softmax. Here it sees the purchase's age as well.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(name="attention")
        self._codes = ItemCodes(catalog)
        self._item = tf.keras.layers.Embedding(catalog.vocabulary_size, IDENTITY)
        self._attributes = AttributeEmbedding(catalog.attribute_sizes, ATTRIBUTE)
        self.width = IDENTITY + ATTRIBUTE * len(catalog.attribute_sizes)
        dense = tf.keras.layers.Dense
        self._candidate, self._purchase, self._product = dense(UNITS), dense(UNITS, use_bias=False), dense(UNITS)
        self._weight = dense(1)

    def __call__(self, item_C: Any, row_C: Any, recent_BL: Any, age_BL: Any) -> Any:
        """[C, d]. Recent items of -1 count nothing."""
        query_Cd = self.embed(item_C)
        purchase_BLd = self._embed_all(recent_BL)
        aged_BLd = tf.concat([purchase_BLd, tf.math.log1p(age_BL)[:, :, None]], axis=2)
        purchase_CLd = tf.gather(purchase_BLd, row_C)
        unit_CLu = (
            self._candidate(query_Cd)[:, None, :]
            + tf.gather(self._purchase(aged_BLd), row_C)
            + self._product(query_Cd[:, None, :] * purchase_CLd)
        )
        weight_CL = self._weight(tf.nn.relu(unit_CLu))[:, :, 0] * tf.gather(tf.cast(recent_BL >= 0, tf.float32), row_C)
        return tf.einsum("cl,cld->cd", weight_CL, purchase_CLd)

    def embed(self, item_X: Any) -> Any:
        """[X, d]."""
        vocabulary_X, attribute_XA = self._codes(item_X)
        return tf.concat([self._item(vocabulary_X), self._attributes.side_by_side(attribute_XA)], axis=1)

    def _embed_all(self, recent_BL: Any) -> Any:
        flat = self.embed(tf.reshape(tf.maximum(recent_BL, 0), [-1]))
        return tf.reshape(flat, [tf.shape(recent_BL)[0], tf.shape(recent_BL)[1], self.width])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """What differs from the ranker as it is."""

    without: Callable[[str], bool] = lambda feature: False
    """Which features the ranker does not get."""
    catalog: Callable[[Catalog], Catalog] = lambda catalog: catalog
    """What the ranker reads in place of the catalog."""
    crossed: bool = True
    """It has cross layers; else what is added to the plain network is linear."""
    attends: bool = False
    """It also gets the recent purchases, by attention."""
    pointwise: float = 1.0
    listwise: float = LISTWISE
    """Weights of the losses."""
    preranked: bool = True
    """The candidates are those of the trained pre-ranker; else they are chosen source by source."""


class Learner(tfrs.Model):
    """The losses of components/train/ranker.py on samples."""

    def __init__(self, catalog: Catalog, features: int, variant: Variant) -> None:
        super().__init__()
        self._attention = Attention(catalog) if variant.attends else None
        self._width = self._attention.width if self._attention else 0
        catalog = variant.catalog(catalog)
        sizes = catalog.attribute_sizes, catalog.user_attribute_sizes
        self.ranker = Ranker(features + self._width, catalog.vocabulary_size, *sizes)
        if not variant.crossed:
            self.ranker._cross = []
        self._codes = ItemCodes(catalog)
        self._user_UD = tf.Variable(catalog.user_attribute_UD, trainable=False, name="users")
        self._weights = variant.pointwise, variant.listwise
        self._pointwise = tfrs.tasks.Ranking(loss=tf.keras.losses.BinaryCrossentropy(from_logits=True))

    def standardise(self, dense_CF: np.ndarray) -> None:
        """Sets the ranker's mean and scale; what attention adds stays as it is."""
        zero_d, unit_d = np.zeros(self._width), np.ones(self._width)
        self.ranker.mean_F.assign(np.concatenate([dense_CF.mean(axis=0), zero_d]))
        self.ranker.scale_F.assign(np.concatenate([np.maximum(dense_CF.std(axis=0), 1e-3), unit_d]))

    def call(self, inputs: dict[str, Any]) -> Any:
        """[C] log-odds of the candidates of `steps`."""
        dense_CF, item_C, row_C = inputs["dense_CF"], inputs["item_C"], inputs["row_C"]
        if self._attention is not None:
            recent_Cd = self._attention(item_C, row_C, inputs["recent_BL"], inputs["age_BL"])
            dense_CF = tf.concat([dense_CF, recent_Cd], axis=1)
        user_CD = tf.gather(self._user_UD, tf.gather(inputs["user_B"], row_C))
        return self.ranker(dense_CF, *self._codes(item_C), user_CD)

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """Weighted sum of both losses."""
        logit_C, label_C = self(inputs), inputs["label_C"]
        pointwise = self._pointwise(labels=label_C, predictions=logit_C, compute_metrics=False)
        listwise = listwise_loss(logit_C, label_C, inputs["row_C"], tf.size(inputs["user_B"]))
        return self._weights[0] * pointwise + self._weights[1] * listwise


def train_and_list(
    variant: Variant,
    catalog: Catalog,
    names: list[str],
    train: Samples,
    bought_C: np.ndarray,
    judged: Samples,
    settings: TrainSettings,
) -> np.ndarray:
    """[N, K] items of the judged trips, best first, padded with NO_ITEM.

    Args:
        names: of the samples' features. bought_C: labels of the training samples.
    """
    tf.keras.utils.set_random_seed(settings.seed)
    columns = np.flatnonzero([not variant.without(name) for name in names])
    learner, watch = Learner(catalog, len(columns), variant), LossCurve("ranker")
    plan = schedule(len(train), RANKER, 1, settings.ranking_batch)

    def data() -> Iterator[dict[str, Any]]:
        return steps(train, bought_C, columns, plan.batch, settings.negative_percent, settings.seed)

    learner.standardise(np.concatenate([step["dense_CF"] for step in islice(data(), STANDARDISE_BATCHES)]))
    count = plan.steps(len(train))
    learner.compile(
        optimizer=tf.keras.optimizers.legacy.Adam(tf.keras.optimizers.schedules.CosineDecay(LEARNING_RATE, count))
    )
    learner.fit(_dataset(data, len(columns), count), epochs=1, callbacks=[watch], verbose=0)
    return _best(learner, judged, columns, plan.batch)


def steps(
    samples: Samples, bought_C: np.ndarray, columns: np.ndarray, size: int, keep_percent: float, seed: int | None
) -> Iterator[dict[str, Any]]:
    """One epoch: `size` trips a step, all that was bought and a share of the rest; without a seed all, in order."""
    rng = np.random.default_rng(seed)
    order = np.arange(len(samples)) if seed is None else rng.permutation(len(samples))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        at, row = slice_positions(samples.begin_n[rows], samples.begin_n[rows + 1])
        if seed is not None:
            drawn = bought_C[at] | (rng.random(len(at)) < keep_percent / 100)
            at, row = at[drawn], row[drawn]
        yield {
            "dense_CF": samples.dense_CF[at][:, columns],
            "item_C": samples.item_C[at],
            "row_C": row,
            "label_C": bought_C[at].astype(np.float32),
            "user_B": samples.user_n[rows],
            "recent_BL": samples.recent_nL[rows],
            "age_BL": samples.age_nL[rows],
        }


def _dataset(data: Callable[[], Iterator[dict[str, Any]]], features: int, count: int) -> Any:
    flat = {"item_C": tf.int32, "row_C": tf.int32, "label_C": tf.float32, "user_B": tf.int32}
    signature = {name: tf.TensorSpec([None], dtype) for name, dtype in flat.items()} | {
        "dense_CF": tf.TensorSpec([None, features], tf.float32),
        "recent_BL": tf.TensorSpec([None, None], tf.int32),
        "age_BL": tf.TensorSpec([None, None], tf.float32),
    }
    generated = tf.data.Dataset.from_generator(data, output_signature=signature)
    return generated.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _best(learner: Learner, judged: Samples, columns: np.ndarray, size: int) -> np.ndarray:
    unknown, score, parts = np.zeros(len(judged.item_C), bool), tf.function(learner, reduce_retracing=True), []
    for inputs in steps(judged, unknown, columns, size, 100.0, None):
        logit_C = score({name: tf.convert_to_tensor(value) for name, value in inputs.items()}).numpy()
        order = np.lexsort((-logit_C, inputs["row_C"]))
        parts.append(as_lists(inputs["row_C"][order], inputs["item_C"][order], len(inputs["user_B"]), K))
    return np.concatenate(parts)


def _one_item(catalog: Catalog) -> Catalog:
    """All items share one embedding."""
    return dataclasses.replace(catalog, vocabulary_I=np.zeros_like(catalog.vocabulary_I), vocabulary_size=1)


def _affinity(feature: str) -> bool:
    return feature.endswith(("_decayed", "_share", "_last_days")) and not feature.startswith("own_")


RANKERS: dict[str, Variant] = {
    AS_IT_IS: Variant(),
    OTHER_SEED: Variant(),
    "pointwise loss only": Variant(listwise=0.0),
    "listwise loss only": Variant(pointwise=0.0),
    "no cross layers": Variant(crossed=False),
    "no item id": Variant(catalog=_one_item),
    "no promotions": Variant(without=lambda name: name.startswith("on_")),
    "no price": Variant(without=lambda name: name == "price"),
    "no gap, no overdue": Variant(without=lambda name: name in ("own_gap_days", "own_overdue")),
    "no last trips, no hazard": Variant(without=lambda name: name.endswith("_trips") or name == "own_hazard"),
    "no hour and weekday match": Variant(without=lambda name: name.endswith("_match")),
    "no affinity": Variant(without=_affinity),
    "no stores in the history": Variant(without=lambda name: "here_" in name),
    "no pre-ranker": Variant(preranked=False),
    "+ attention over the last purchases": Variant(attends=True),
}
