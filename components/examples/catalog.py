"""Builds the catalog snapshot: attribute codes, vocabulary, weekly popularity, promotions.

Shape legend as in model/data/catalog.py; E purchases before the cut, N those before the ranking span.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from components.examples.item_hazard import distinct_moments, item_hazard
from components.examples.promotions import build_promotions
from model.data import columns as c
from model.data.catalog import MISSING, RARE, Catalog, hashed_rows
from model.data.time_split import ranking_start
from model.data.trips import Trips
from tfx_configs.stages import ExamplesStage
from tfx_configs.units import DAY_S, HOUR_S, WEEK_S

POPULARITY_HALF_LIFE_S = 28 * DAY_S
WEEKS, SNAPSHOTS = 4, 12
"""Snapshots are weekly if the ranker's trips span this many weeks; else there are about this many snapshots."""
FEWEST_SHOPPERS = 5
"""With a value of an attribute that enters a model by name: a rarer one could point to a person, and is RARE."""
REPURCHASE_PRIOR = 5.0
"""Buyers' worth of the overall rate mixed into each item's repurchase rate."""


def build_catalog(
    trips: Trips,
    price_E: np.ndarray,
    items: pd.DataFrame,
    users: pd.DataFrame | None,
    promotions: Iterable[tuple[str, Iterable[pd.DataFrame]]],
    run: ExamplesStage,
) -> Catalog:
    """The snapshot at `trips.cut_s`. Only events before the cut are used.

    Args:
        price_E: what each event of the trips cost, 0 or missing where that is not known.
        items, users: one row an id; other columns are categorical attributes.
        promotions: (kind, its canonical rows, some at a time).
    """
    cut_s, features = trips.cut_s, run.features
    stretches = build_promotions(promotions, trips.item_ids, trips.store_ids)  # first, while there is little else
    train = trips.event_time_E < cut_s
    item_E, time_E, user_E = trips.event_item_E[train], trips.event_time_E[train], trips.event_user_E[train]
    counts_I = np.bincount(item_E, minlength=len(trips.item_ids))

    items = items.set_index(c.ITEM).reindex(trips.item_ids)
    names, sizes, codes_IA = _attributes(items, counts_I, features.max_attributes, features.min_item_count)
    buckets = features.oov_buckets or bucket_count(counts_I, features.min_item_count)
    vocabulary_I, vocabulary_size = _vocabulary(trips.item_ids, counts_I, features.min_item_count, buckets)
    snapshot_W = np.arange(first_snapshot(trips, run), cut_s + 1, snapshot_step(trips, run), dtype=np.int64)
    recent_WI, decayed_WI = _popularity(item_E, time_E, snapshot_W, len(trips.item_ids))
    learned_s = ranking_start(trips, run.train.ranking_days)
    before = time_E < learned_s
    item_N, user_N, time_N = item_E[before], user_E[before], time_E[before]
    before_I = np.bincount(item_N, minlength=len(counts_I))
    _, _, finest_I1 = _attributes(items[list(names)], before_I, 1, features.min_item_count)
    type_I = finest_I1[:, 0] if names else np.full(len(counts_I), MISSING)
    user_ids, user_names, user_values, user_codes = _users(users)
    return Catalog(
        item_ids=trips.item_ids,
        attribute_names=names,
        attribute_sizes=sizes,
        attribute_IA=codes_IA,
        vocabulary_I=vocabulary_I,
        vocabulary_size=vocabulary_size,
        price_I=np.log1p(_median_prices(item_E, price_E[train], len(trips.item_ids))).astype(np.float32),
        repurchase_I=_repurchase(item_N, user_N, time_N, len(trips.item_ids)),
        hazard_IG=item_hazard(item_N, user_N, time_N, type_I, learned_s),
        snapshot_W=snapshot_W,
        recent_WI=recent_WI,
        decayed_WI=decayed_WI,
        store_ids=trips.store_ids,
        user_ids=user_ids,
        user_attribute_names=user_names,
        user_attribute_sizes=tuple(RARE + 1 + len(values) for values in user_values),
        user_attribute_values=user_values,
        user_attribute_UD=user_codes,
        promotions=stretches,
        buckets=buckets,
    )


def snapshot_step(trips: Trips, run: ExamplesStage) -> int:
    """Seconds between snapshots: a week; where the ranker's trips span less than WEEKS, a part of that in whole
    hours, since what sells changes under a ranker that learns from some days."""
    span_s = trips.cut_s - ranking_start(trips, run.train.ranking_days)
    return WEEK_S if span_s >= WEEKS * WEEK_S else max(span_s // SNAPSHOTS // HOUR_S, 1) * HOUR_S


def first_snapshot(trips: Trips, run: ExamplesStage) -> int:
    """Unix seconds of the oldest snapshot: at or before the first trip that trains the ranker."""
    start_s, step_s = ranking_start(trips, run.train.ranking_days), snapshot_step(trips, run)
    return trips.cut_s - step_s * -(-(trips.cut_s - start_s) // step_s)


def _attributes(
    items: pd.DataFrame, counts_I: np.ndarray, most: int, floor: int
) -> tuple[tuple[str, ...], tuple[int, ...], np.ndarray]:
    """The `most` attributes that are most informative about what is bought: highest entropy over purchases.

    Columns with one value, or with more values than half the items (titles, descriptions), have nothing that repeats.
    """
    coded: list[tuple[float, str, int, np.ndarray]] = []
    for name in items.columns:
        codes, own = _codes(items[name], counts_I, floor)
        size = RARE + 1 + len(own)
        share = np.bincount(codes, weights=counts_I, minlength=size) / max(counts_I.sum(), 1)
        entropy = -float(np.sum(share * np.log(np.maximum(share, 1e-12))))
        if 1 < items[name].nunique() <= max(len(items) / 2, 2):
            coded.append((entropy, str(name), size, codes))
    coded = sorted(coded, key=lambda entry: (-entry[0], entry[1]))[:most]
    matrix = np.stack([e[3] for e in coded], axis=1) if coded else np.zeros((len(items), 0), np.int32)
    return tuple(e[1] for e in coded), tuple(e[2] for e in coded), matrix.astype(np.int32)


def _codes(values: pd.Series, weight: np.ndarray, floor: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """[n] int32 codes (MISSING, RARE, then values by their name) and the values with a code of their own.

    A value is rare when its rows together weigh less than `floor`.
    """
    present = values.notna().to_numpy() & (values.astype(str) != "").to_numpy()
    names, inverse = np.unique(values[present].astype(str).to_numpy(str), return_inverse=True)
    frequent = np.bincount(inverse, weights=weight[present], minlength=len(names)) >= floor
    of_name = np.where(frequent, RARE + np.cumsum(frequent), RARE)
    codes = np.full(len(values), MISSING, np.int32)
    codes[present] = of_name[inverse]
    return codes, tuple(names[frequent].tolist())


def bucket_count(counts_I: np.ndarray, floor: int) -> int:
    """Buckets for the items without a row of their own: as many as give each the `floor` purchases that a row needs.

    Fewer would mix more items than they must; more would have too little to learn from.
    """
    rare_I = counts_I < floor
    return int(min(max(counts_I[rare_I].sum() // floor, 1), max(rare_I.sum(), 1)))


def _vocabulary(item_ids: np.ndarray, counts_I: np.ndarray, floor: int, buckets: int) -> tuple[np.ndarray, int]:
    """Rows 0 to buckets-1 are shared by hash of the id; each item with `floor` purchases has its own row after."""
    own = counts_I >= floor
    rows = np.where(own, buckets - 1 + np.cumsum(own), hashed_rows(item_ids, buckets))
    return rows.astype(np.int32), int(buckets + own.sum())


def _popularity(
    item_E: np.ndarray, time_E: np.ndarray, snapshot_W: np.ndarray, items: int
) -> tuple[np.ndarray, np.ndarray]:
    recent = np.zeros((len(snapshot_W), items), np.float32)
    decayed = np.zeros((len(snapshot_W), items), np.float32)
    for w, moment in enumerate(snapshot_W):
        before = time_E < moment
        age = moment - time_E[before]
        recent[w] = np.bincount(item_E[before][age <= WEEK_S], minlength=items)
        decayed[w] = np.bincount(item_E[before], weights=0.5 ** (age / POPULARITY_HALF_LIFE_S), minlength=items)
    return recent, decayed


def _median_prices(item_E: np.ndarray, price_E: np.ndarray, items: int) -> np.ndarray:
    """[I] float64; 0 where no price is known."""
    known_E = price_E > 0
    item_E, price_E = item_E[known_E], price_E[known_E]
    price_E = price_E[np.lexsort((price_E, item_E))]
    counts_I = np.bincount(item_E, minlength=items)
    sold, begin_I = counts_I > 0, np.cumsum(counts_I) - counts_I
    low, high = (price_E[(begin_I + (counts_I - odd) // 2)[sold]] for odd in (1, 0))
    median_I = np.zeros(items)
    median_I[sold] = (low + high) / 2
    return median_I


def _repurchase(item_E: np.ndarray, user_E: np.ndarray, time_E: np.ndarray, items: int) -> np.ndarray:
    """[I] share of buyers who bought the item at two moments or more."""
    user, item, _time = distinct_moments(user_E, item_E, time_E)
    first = np.flatnonzero(np.r_[True, (user[1:] != user[:-1]) | (item[1:] != item[:-1])][: len(item)])
    times = np.diff(first, append=len(item))
    buyers = np.bincount(item[first], minlength=items)
    again = np.bincount(item[first[times > 1]], minlength=items)
    overall = again.sum() / max(buyers.sum(), 1)
    return ((again + REPURCHASE_PRIOR * overall) / (buyers + REPURCHASE_PRIOR)).astype(np.float32)


def _users(users: pd.DataFrame | None) -> tuple[np.ndarray, tuple[str, ...], tuple[tuple[str, ...], ...], np.ndarray]:
    """(ids, attributes, their values with a code, [U + 1, D] codes)"""
    if users is None:
        return np.zeros(0, object), (), (), np.zeros((1, 0), np.int32)
    users = users.sort_values(c.USER)
    names = tuple(str(name) for name in users.columns if name != c.USER)
    coded = [_codes(users[name], np.ones(len(users)), FEWEST_SHOPPERS) for name in names]
    codes_UD = np.stack([codes for codes, _ in coded], axis=1) if coded else np.zeros((len(users), 0), np.int32)
    unknown = np.full((1, len(names)), MISSING, np.int32)
    return (
        users[c.USER].to_numpy(str).astype(object),
        names,
        tuple(values for _, values in coded),
        np.concatenate([unknown, codes_UD]).astype(np.int32),
    )
