"""Features of (request, candidate) pairs, computed inside the graph from raw history, context and catalog.

The same ops run in training, evaluation and serving. Every feature is one record in `feature_records`.

Shape legend: B requests, H history events, C candidates of all requests together, I items, A item attributes,
L half-lives.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.data.batch import Batch
from model.data.catalog import MISSING, Catalog
from model.features.joins import match, match_codes
from model.features.promotion_calendar import PromotionCalendar
from model.system.legacy_keras import tf
from tfx_configs.settings import FeatureSettings
from tfx_configs.units import DAY_S, HOUR_S

NEVER_DAYS = 1000.0
"""Age given to what never happened."""
AFFINITY_HALF_LIFE_DAYS = 60.0


@dataclass(frozen=True)
class Feature:
    """One dense input of the ranker: `name`, its meaning, and whether it enters as log(1 + x)."""

    name: str
    doc: str
    log: bool = False


def feature_records(catalog: Catalog, settings: FeatureSettings) -> tuple[Feature, ...]:
    """All features, in the order in which they enter the ranker."""
    own = (
        Feature("own_count", "purchases of the item by the shopper", log=True),
        *(
            Feature(f"own_decayed_{life:g}d", f"the same, each halved every {life:g} days", log=True)
            for life in settings.half_lives_days
        ),
        Feature("own_last_days", "days since the shopper last bought it", log=True),
        Feature("own_first_days", "days since the shopper first bought it", log=True),
        Feature("own_gap_days", "mean days between the shopper's purchases of it", log=True),
        Feature("own_overdue", "days since the last purchase over the mean gap", log=True),
        Feature("own_trip_share", "share of the shopper's trips that had it"),
        Feature("own_in_last_trip", "1 when it was bought on the shopper's last trip"),
    )
    affinity = tuple(
        feature
        for name in catalog.attribute_names
        for feature in (
            Feature(f"{name}_decayed", f"the shopper's purchases of this {name}, halved every 60 days", log=True),
            Feature(f"{name}_share", "the same as a share of all the shopper's purchases"),
            Feature(f"{name}_last_days", f"days since the shopper last bought this {name}", log=True),
        )
    )
    item = (
        Feature("recent_popularity", "purchases by everybody in the 7 days before the snapshot", log=True),
        Feature("popularity", "purchases by everybody, halved every 28 days", log=True),
        Feature("repurchase", "share of the item's buyers who bought it again"),
        Feature("price", "median log price"),
    )
    promoted = tuple(
        Feature(f"on_{p.kind}", f"1 when the item is on {p.kind} in this store now") for p in catalog.promotions
    )
    context = (
        Feature("trips", "the shopper's trips so far", log=True),
        Feature("last_trip_days", "days since the last trip", log=True),
        Feature("trip_gap_days", "mean days between trips", log=True),
        Feature("basket_size", "mean purchases a trip", log=True),
        Feature("hour_sin", "time of day on a circle"),
        Feature("hour_cos", "time of day on a circle"),
        Feature("weekday_sin", "day of the week on a circle"),
        Feature("weekday_cos", "day of the week on a circle"),
    )
    return own + affinity + item + promoted + context


class FeatureGraph(tf.Module):
    """Holds the catalog's arrays and turns a batch with candidates into raw features."""

    def __init__(self, catalog: Catalog, settings: FeatureSettings) -> None:
        super().__init__(name="features")
        self.records = feature_records(catalog, settings)
        self.settings = settings
        self._names = catalog.attribute_names
        self._first_A, self._codes = first_codes(catalog.attribute_sizes), sum(catalog.attribute_sizes)
        self.attribute_IA = _hold(catalog.attribute_IA, "attributes")
        # Flat, so that a gather reads only the wanted cells; gathering cells of a matrix copies all of it first.
        self.items = catalog.items
        self.recent_X = _hold(catalog.recent_WI.reshape(-1), "recent_popularity")
        self.decayed_X = _hold(catalog.decayed_WI.reshape(-1), "popularity")
        self.snapshot_W = _hold(catalog.snapshot_W, "snapshots")
        self.repurchase_I = _hold(catalog.repurchase_I, "repurchase")
        self.price_I = _hold(catalog.price_I, "price")
        self.promotions = PromotionCalendar(catalog.promotions, catalog.items)

    def __call__(self, batch: Batch, item_C: Any, row_C: Any) -> dict[str, Any]:
        """{feature name: [C] float32}, before the log of `Feature.log`.

        Args:
            item_C: [C] int32 item index. row_C: [C] int32 which request.
        """
        row_H = batch.history_row_H
        age_H = tf.cast(tf.gather(batch.time_B, row_H) - batch.history_time_H, tf.float32) / DAY_S
        trip_H, context_B = self._trips(batch, age_H)
        context_C = {name: tf.gather(value_B, row_C) for name, value_B in context_B.items()}
        features = self._own(batch, item_C, row_C, age_H, trip_H, context_C["trips"])
        features |= self._affinity(batch, item_C, row_C, age_H)
        features |= self._catalog(batch, item_C, row_C)
        return features | context_C

    def dense(self, features: dict[str, Any]) -> Any:
        """[C, F] float32: the features in record order, logs taken."""
        raw_CF = tf.stack([features[f.name] for f in self.records], axis=1)
        return tf.where([f.log for f in self.records], tf.math.log1p(tf.maximum(raw_CF, 0.0)), raw_CF)

    def week(self, time_B: Any) -> Any:
        """[B] int32 index of the last snapshot at or before each time (the oldest one for earlier times)."""
        return tf.maximum(tf.searchsorted(self.snapshot_W, time_B, side="right") - 1, 0)

    def popularity(self, item_C: Any, week_C: Any) -> Any:
        """[C] float32 purchases by everybody, halved every 28 days, as of each snapshot."""
        return tf.gather(self.decayed_X, week_C * self.items + item_C)

    def _trips(self, batch: Batch, age_H: Any) -> tuple[Any, dict[str, Any]]:
        """Trip number of each event, counted from 1 within the request, and the features of the rhythm of trips."""
        row_H, requests = batch.history_row_H, tf.shape(batch.time_B)[0]
        trip_H, trips_B = trip_numbers(batch, self.settings.trip_gap_hours)
        events_B = tf.math.unsorted_segment_sum(tf.ones_like(age_H), row_H, requests)
        last_B = tf.minimum(tf.math.unsorted_segment_min(age_H, row_H, requests), NEVER_DAYS)
        first_B = tf.maximum(tf.math.unsorted_segment_max(age_H, row_H, requests), 0.0)
        moment_B = tf.cast(batch.time_B % (7 * DAY_S), tf.float32) / DAY_S
        return trip_H, {
            "trips": trips_B,
            "last_trip_days": last_B,
            "trip_gap_days": tf.maximum(first_B - last_B, 0.0) / tf.maximum(trips_B - 1.0, 1.0),
            "basket_size": events_B / tf.maximum(trips_B, 1.0),
            "hour_sin": tf.sin(2 * math.pi * moment_B),
            "hour_cos": tf.cos(2 * math.pi * moment_B),
            "weekday_sin": tf.sin(2 * math.pi / 7 * moment_B),
            "weekday_cos": tf.cos(2 * math.pi / 7 * moment_B),
        }

    def _own(self, batch: Batch, item_C: Any, row_C: Any, age_H: Any, trip_H: Any, trips_C: Any) -> dict[str, Any]:
        segment_C, segment_H, segments = match(row_C, item_C, batch.history_row_H, batch.history_item_H)
        lives_L = tf.constant(self.settings.half_lives_days, tf.float32)
        weight_HL = 2.0 ** (-age_H[:, None] / lives_L)
        sums = tf.math.unsorted_segment_sum(
            tf.concat([tf.ones_like(age_H)[:, None], weight_HL], axis=1), segment_H, segments
        )
        # Largest trip number, largest age and largest negated age in one pass.
        extremes = tf.math.unsorted_segment_max(tf.stack([trip_H, age_H, -age_H], axis=1), segment_H, segments)
        sums_C, extremes_C = tf.gather(sums, segment_C), tf.gather(extremes, segment_C)
        count = sums_C[:, 0]
        bought = count > 0
        first = tf.where(bought, extremes_C[:, 1], NEVER_DAYS)
        last = tf.where(bought, -extremes_C[:, 2], NEVER_DAYS)
        gap = tf.where(count > 1, (first - last) / tf.maximum(count - 1.0, 1.0), 0.0)
        return {
            "own_count": count,
            **{f"own_decayed_{life:g}d": sums_C[:, 1 + i] for i, life in enumerate(self.settings.half_lives_days)},
            "own_last_days": last,
            "own_first_days": first,
            "own_gap_days": gap,
            "own_overdue": tf.where(gap > 0, last / tf.maximum(gap, 0.5), 0.0),
            "own_trip_share": count / tf.maximum(trips_C, 1.0),
            "own_in_last_trip": tf.cast(bought & (extremes_C[:, 0] == trips_C), tf.float32),
        }

    def _affinity(self, batch: Batch, item_C: Any, row_C: Any, age_H: Any) -> dict[str, Any]:
        row_H = batch.history_row_H
        weight_H = 2.0 ** (-age_H / AFFINITY_HALF_LIFE_DAYS)
        total_B = tf.math.unsorted_segment_sum(weight_H, row_H, tf.shape(batch.time_B)[0])
        total_C = tf.maximum(tf.gather(total_B, row_C), 1e-6)
        code_HA = tf.gather(self.attribute_IA, batch.history_item_H)
        code_CA = tf.gather(self.attribute_IA, item_C)
        # All attributes in one join: the values of each take numbers of their own.
        width = len(self._names)
        segment_X, segment_Y, segments = match_codes(
            tf.repeat(row_C, width),
            self._value(code_CA),
            tf.repeat(row_H, width),
            self._value(code_HA),
            tf.shape(batch.time_B)[0],
            self._codes,
        )
        weight_Y, age_Y = tf.repeat(weight_H, width), tf.repeat(age_H, width)
        decayed_X = tf.gather(tf.math.unsorted_segment_sum(weight_Y, segment_Y, segments), segment_X)
        youngest_X = tf.gather(tf.math.unsorted_segment_min(age_Y, segment_Y, segments), segment_X)
        decayed_CA = tf.where(code_CA != MISSING, tf.reshape(decayed_X, tf.shape(code_CA)), 0.0)
        last_CA = tf.where(decayed_CA > 0, tf.reshape(youngest_X, tf.shape(code_CA)), NEVER_DAYS)
        features: dict[str, Any] = {}
        for a, name in enumerate(self._names):
            features[f"{name}_decayed"] = decayed_CA[:, a]
            features[f"{name}_share"] = decayed_CA[:, a] / total_C
            features[f"{name}_last_days"] = last_CA[:, a]
        return features

    def _value(self, code_XA: Any) -> Any:
        """[X * A] int32: the codes, numbered through all attributes."""
        return tf.reshape(code_XA + self._first_A, [-1])

    def _catalog(self, batch: Batch, item_C: Any, row_C: Any) -> dict[str, Any]:
        week_C = tf.gather(self.week(batch.time_B), row_C)
        store_C, time_C = tf.gather(batch.store_B, row_C), tf.gather(batch.time_B, row_C)
        on_CK = self.promotions(store_C, item_C, time_C)
        return {
            "recent_popularity": tf.gather(self.recent_X, week_C * self.items + item_C),
            "popularity": self.popularity(item_C, week_C),
            "repurchase": tf.gather(self.repurchase_I, item_C),
            "price": tf.gather(self.price_I, item_C),
            **{f"on_{kind}": on_CK[:, number] for number, kind in enumerate(self.promotions.kinds)},
        }


def trip_numbers(batch: Batch, gap_hours: float) -> tuple[Any, Any]:
    """([H] float32 trip of each event, from 1 within the request, [B] float32 trips of each request)."""
    row_H, time_H = batch.history_row_H, batch.history_time_H
    new_row_H = tf.concat([tf.ones([1], tf.bool), row_H[1:] != row_H[:-1]], 0)[: tf.shape(row_H)[0]]
    step_H = tf.cast(time_H[1:] - time_H[:-1], tf.float32)
    gap_H = tf.concat([tf.ones([1], tf.bool), step_H > gap_hours * HOUR_S], 0)[: tf.shape(row_H)[0]]
    new_trip_H = tf.cast(new_row_H | gap_H, tf.float32)
    trips_B = tf.math.unsorted_segment_sum(new_trip_H, row_H, tf.shape(batch.time_B)[0])
    before_B = tf.cumsum(trips_B, exclusive=True)
    return tf.cumsum(new_trip_H) - tf.gather(before_B, row_H), trips_B


def first_codes(sizes: Sequence[int]) -> np.ndarray:
    """[A] int32: what is added to the codes of each attribute so that no two attributes share a number."""
    return np.cumsum([0, *sizes])[:-1].astype(np.int32)


def _hold(array: np.ndarray, name: str) -> Any:
    """A catalog array as a variable that no optimiser touches (constants would count against the graph's 2 GB)."""
    return tf.Variable(array, trainable=False, name=name)
