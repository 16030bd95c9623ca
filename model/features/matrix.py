"""The features of many (request, candidate) pairs as one matrix: the same kernels in training, evaluation and serving.

Shape legend: B requests, H history events, C candidates of all requests together, F features, L half-lives (that of the
affinity is the last), I items, W snapshots, G stretches of GAP_DAYS, N moments of the promotion calendar, K attribute
values, A attributes. Those of the facts are in seen.py.
"""

from typing import NamedTuple

import numpy as np
from numba import literal_unroll

from model.data.batch import Batch, ends
from model.data.catalog import MISSING, Catalog
from model.data.neighbour_tables import Together
from model.features.own_rhythm import CIRCLES_S, LATELY, lately, moment_match
from model.features.promotion_calendar import changes, running_here
from model.features.records import KINDS, feature_records
from model.features.seen import (
    AFFINITY_DAYS,
    Seen,
    affinities,
    ages,
    candidate_of_events,
    moment,
    own_sums,
    rhythm,
    trip_numbers,
)
from model.features.together import of_items, reached, shares, sum_together
from model.features.visits import Here, here_sums
from model.kernels.arrays import writable
from model.kernels.compiler import kernel
from model.kernels.numbers import halved, log1p_row
from model.kernels.tables import UNKNOWN, places
from tfx_configs.settings import FeatureSettings
from tfx_configs.units import HOUR_S


class Snapshot(NamedTuple):
    """The catalog as the kernels read it. Writable, so that the explorer can take facts away."""

    attribute_IA: np.ndarray
    first_A: np.ndarray
    """[A] int64: what is added to the codes of each attribute so that no two attributes share a number."""
    values: int
    """Attribute values of all attributes."""
    recent_WI: np.ndarray
    decayed_WI: np.ndarray
    snapshot_W: np.ndarray
    repurchase_I: np.ndarray
    price_I: np.ndarray
    hazard_IG: np.ndarray
    change_N: np.ndarray
    running_N: np.ndarray
    """See model/features/promotion_calendar.py."""
    moment_T: np.ndarray
    begin_TI: np.ndarray
    near_N: np.ndarray
    similar_N: np.ndarray
    """See model.data.neighbour_tables.Together."""

    @classmethod
    def of(cls, catalog: Catalog) -> "Snapshot":
        change_N, running_N = catalog.calendar or changes(catalog.promotions, catalog.items)
        sizes = np.array([0, *catalog.attribute_sizes], np.int64)
        moment_T, begin_TI, near_N, similar_N = catalog.together or Together.none(catalog.items)
        return cls(
            attribute_IA=writable(catalog.attribute_IA, np.int32),
            first_A=np.cumsum(sizes)[:-1],
            values=int(sizes.sum()),
            recent_WI=writable(catalog.recent_WI, np.float32),
            decayed_WI=writable(catalog.decayed_WI, np.float32),
            snapshot_W=writable(catalog.snapshot_W, np.int64),
            repurchase_I=writable(catalog.repurchase_I, np.float32),
            price_I=writable(catalog.price_I, np.float32),
            hazard_IG=writable(catalog.hazard_IG, np.float32),
            change_N=change_N,
            running_N=running_N,
            moment_T=writable(moment_T, np.int64),
            begin_TI=writable(begin_TI, np.int64),
            near_N=writable(near_N, np.int32),
            similar_N=writable(similar_N, np.float32),
        )


class Histories(NamedTuple):
    """A batch as the kernels read it."""

    item_H: np.ndarray
    time_H: np.ndarray
    end_B: np.ndarray
    """[B] int64 where each request's events end."""
    time_B: np.ndarray
    store_B: np.ndarray
    bought_store_H: np.ndarray
    """[H] int32 where each event was, MISSING where that is not known."""
    quantity_H: np.ndarray
    """[H] float32 pieces, 1 where not known."""
    paid_H: np.ndarray
    """[H] float32 price paid per piece, 0 where not known."""

    @classmethod
    def of(cls, batch: Batch) -> "Histories":
        events = len(batch.history_item_H)
        store_H, quantity_H, paid_H = batch.history_store_H, batch.history_quantity_H, batch.history_price_H
        return cls(
            item_H=writable(batch.history_item_H, np.int32),
            time_H=writable(batch.history_time_H, np.int64),
            end_B=ends(batch.history_row_H, len(batch.time_B)),
            time_B=writable(batch.time_B, np.int64),
            store_B=writable(batch.store_B, np.int32),
            bought_store_H=writable(np.full(events, MISSING) if store_H is None else store_H, np.int32),
            quantity_H=writable(np.ones(events) if quantity_H is None else quantity_H, np.float32),
            paid_H=writable(np.zeros(events) if paid_H is None else paid_H, np.float32),
        )


class Features:
    """Features on one catalog. Stateless, so threads may share it.

    Example:
        `catalog` is that of the example of Catalog, `batch` of the example of Batch: ann bought milk, item 1, before.

        >>> features = Features(catalog, FeatureSettings())
        >>> raw_CF = features(batch, np.array([0, 1], np.int32), np.array([0, 2]))
        >>> raw_CF[:, features.names.index("own_count")].tolist()
        [0.0, 1.0]
    """

    def __init__(self, catalog: Catalog, settings: FeatureSettings) -> None:
        self.records = feature_records(catalog, settings)
        self.names = [record.name for record in self.records]
        self.kinds = tuple(promotions.kind for promotions in catalog.promotions)
        self.snapshot = Snapshot.of(catalog)
        self._trip_gap_s = np.float32(settings.trip_gap_hours * HOUR_S)
        self._life_L = np.array([*settings.half_lives_days, AFFINITY_DAYS], np.float32)
        self._kind_F = np.array([KINDS.index(record.fill) for record in self.records])
        self._which_F = np.array([record.which for record in self.records])
        self._log_F = np.array([record.log for record in self.records])

    def __call__(self, batch: Batch, item_C: np.ndarray, end_B: np.ndarray, logs: bool = False) -> np.ndarray:
        """[C, F] float32.

        Args:
            item_C: [C] int32 the candidates, those of the first request first, distinct within a request.
            end_B: [B] int64 where each request's candidates end.
            logs: taken where Feature.log is set, as the ranker reads them.
        """
        out_CF = np.empty((len(item_C), len(self.records)), np.float32)
        log_F = self._log_F & logs
        plan = (self._life_L, self._trip_gap_s, self._kind_F, self._which_F, log_F)
        item_C, end_B = writable(item_C, np.int32), writable(end_B, np.int64)
        _fill(self.snapshot, Histories.of(batch), plan, item_C, end_B, out_CF)
        return out_CF


@kernel
def week_of(snapshot_W, time_s):
    """Index of the last snapshot at or before the moment; the oldest one for earlier moments."""
    return max(np.searchsorted(snapshot_W, time_s, side="right") - 1, 0)


@kernel
def _fill(snapshot, histories, plan, item_C, end_B, out_CF):
    begin, from_event = 0, 0
    for b in range(len(end_B)):
        end, to_event = end_B[b], histories.end_B[b]
        _fill_one(
            snapshot,
            histories.item_H[from_event:to_event],
            histories.time_H[from_event:to_event],
            histories.bought_store_H[from_event:to_event],
            histories.time_B[b],
            histories.store_B[b],
            plan,
            item_C[begin:end],
            out_CF[begin:end],
        )
        begin, from_event = end, to_event


@kernel
def _fill_one(snapshot, item_H, time_H, bought_store_H, time_s, store, plan, item_C, out_CF):
    life_L, trip_gap_s, kind_F, which_F, log_F = plan
    events, candidates, lives = len(item_H), len(item_C), len(life_L) - 1
    age_H, whole_H = np.empty(events, np.float32), np.empty(events, np.int32)
    trip_H, candidate_H = np.empty(events, np.int32), np.empty(events, np.int32)
    weight_LH = np.empty((lives + 1, events), np.float32)
    ages(time_H, time_s, age_H)
    for i in range(lives + 1):
        halved(age_H, life_L[i], whole_H, weight_LH[i])
    decayed_V, youngest_V = np.empty(snapshot.values, np.float32), np.empty(snapshot.values, np.float32)
    total = affinities(item_H, age_H, weight_LH[lives], snapshot.attribute_IA, snapshot.first_A, decayed_V, youngest_V)
    count_C, trip_C = np.empty(candidates, np.float32), np.empty(candidates, np.float32)
    first_C, last_C = np.empty(candidates, np.float32), np.empty(candidates, np.float32)
    gap_C, decayed_LC = np.empty(candidates, np.float32), np.empty((lives, candidates), np.float32)
    trips = trip_numbers(time_H, trip_gap_s, trip_H)
    candidate_of_events(item_H, item_C, candidate_H)
    own_sums(candidate_H, trip_H, age_H, weight_LH, count_C, decayed_LC, trip_C, first_C, last_C, gap_C)
    here = Here(np.empty(candidates, np.float32), np.empty(2, np.float32))
    here_sums(candidate_H, trip_H, bought_store_H, store, here)
    lately_NC = np.empty((len(LATELY), candidates), np.float32)
    match_MC = np.empty((len(CIRCLES_S), candidates), np.float32)
    lately(candidate_H, trip_H, trips, lately_NC)
    for i in range(len(CIRCLES_S)):
        moment_match(candidate_H, time_H, time_s, CIRCLES_S[i], count_C, match_MC[i])
    context_X = np.empty(8, np.float32)
    rhythm(age_H, trips, context_X)
    moment(time_s, context_X[4:])
    running_C = np.empty(candidates, np.uint8)
    running_here(snapshot.change_N, snapshot.running_N, len(snapshot.price_I), store, item_C, time_s, running_C)
    together_3C = np.empty((3, candidates), np.float32)
    _go_together(snapshot, item_H, time_H, time_s, weight_LH[lives], item_C, together_3C)
    week = week_of(snapshot.snapshot_W, time_s)
    facts = Seen(
        item_C, running_C, count_C, decayed_LC, trip_C, first_C, last_C, gap_C, context_X, decayed_V, youngest_V, total,
        snapshot.attribute_IA, snapshot.first_A, snapshot.recent_WI[week], snapshot.decayed_WI[week],
        snapshot.repurchase_I, snapshot.price_I, here, together_3C, lately_NC, match_MC, snapshot.hazard_IG,
    )  # fmt: skip
    row_FC, work_2C = np.empty((len(kind_F), candidates), np.float32), np.empty((2, candidates), np.float32)
    kind = 0
    for fill in literal_unroll(KINDS):
        for f in range(len(kind_F)):
            if kind_F[f] == kind:
                fill(facts, which_F[f], row_FC[f])
        kind += 1  # noqa: SIM113  (Numba unrolls no enumerate)
    for f in range(len(kind_F)):
        if log_F[f]:
            log1p_row(row_FC[f], work_2C)
    for c in range(candidates):
        for f in range(len(kind_F)):
            out_CF[c, f] = row_FC[f, c]


@kernel
def _go_together(snapshot, item_H, time_H, time_s, weight_H, item_C, together_3C):
    """See Seen.together_3C."""
    begin_I = snapshot.begin_TI[week_of(snapshot.moment_T, time_s)]
    slots = places(reached(begin_I, item_H))
    slot_S = np.full(slots, UNKNOWN, np.int32)
    sum_S, last_S = np.empty(slots, np.float32), np.empty(slots, np.float32)
    sum_together(begin_I, snapshot.near_N, snapshot.similar_N, item_H, time_H, weight_H, slot_S, sum_S, last_S)
    of_items(item_C, slot_S, sum_S, together_3C[0])
    of_items(item_C, slot_S, last_S, together_3C[1])
    shares(slot_S, sum_S, together_3C[0], together_3C[2])
