"""The pool: own history, what goes together with it, the towers' neighbours, what is popular now; and what the
pre-ranker reads of each entry.

Shape legend: B requests, H history events, G items that go together with it, R retrieved, X exclusions, P entries of
the pool of one request, N listed entries of all requests together, S slots of a table of items, W snapshots, Q popular
items of a snapshot, K kinds of promotion, J inputs.
"""

from typing import NamedTuple

import numpy as np

from model.api import SOURCES
from model.candidates.barred import AGAIN, NEVER, Barred
from model.candidates.line import INPUTS, LINE, OWN
from model.data.batch import Batch, lengths
from model.data.catalog import Catalog
from model.features.matrix import Features, Histories, week_of
from model.features.promotion_calendar import running_here
from model.features.seen import AFFINITY_DAYS, NEVER_DAYS, affinities, ages
from model.features.together import of_items, reached, shares, sum_together
from model.kernels.arrays import writable
from model.kernels.compiler import kernel
from model.kernels.numbers import INF, ONE, ZERO, halved, log1p_row
from model.kernels.selection import best
from model.kernels.tables import UNKNOWN, places, slot_of
from tfx_configs.settings import CandidateSettings

_LONG_DAYS = np.float32(365)
_OWN, _TOGETHER, _NEAR, _POPULAR, _BARRED = (np.int32(source) for source in range(len(SOURCES) + 1))
_BOUGHT, _SHORT, _LONG, _YOUNG = range(len(OWN))
_SOLD, _AGAIN, _AFFINE, _SHARE, _AFFINE_DAYS, _ALONG, _ALONG_SHARE, _PLACE = range(len(OWN), len(INPUTS))
_OWNS, _WIDTH = len(OWN), len(INPUTS)
_MOST_LINE = len(LINE) - 1


class Listed(NamedTuple):
    """Entries of the pools, the best of each request first, by the pre-ranker's line.

    Example:
        >>> listed = Listed(np.array([8, 2]), np.array([0, 2]), np.array([1.5, 0.1]), np.zeros((2, 11)), np.array([2]))
        >>> SOURCES[listed.source_N[0]]
        'bought_before'
    """

    item_N: np.ndarray
    source_N: np.ndarray
    """[N] int32 position in model.api.SOURCES."""
    line_N: np.ndarray
    """[N] float32 the line's score."""
    input_NJ: np.ndarray
    """[N, J] float32 INPUTS, then one column a kind of promotion: 1 where it runs for the item now."""
    end_B: np.ndarray


class Pools:
    """Lists the pool of each request. Stateless, so threads may share it.

    Example:
        `catalog` is that of the example of Catalog, `batch` of the example of Batch: bread, item 0, is popular, and the
        second shopper bought milk, item 1, before.

        >>> from model.candidates.line import line_by_source
        >>> from tfx_configs.settings import FeatureSettings
        >>> pools = Pools(catalog, CandidateSettings(), Features(catalog, FeatureSettings()))
        >>> nothing_retrieved = np.zeros((2, 0), np.int32)
        >>> listed = pools(batch, nothing_retrieved, Barred.none(2), line_by_source(), most=10)
        >>> listed.item_N.tolist(), listed.end_B.tolist()
        ([0, 1, 0], [1, 3])
    """

    def __init__(self, catalog: Catalog, settings: CandidateSettings, features: Features) -> None:
        self._features, self._retrieved, self._together = features, settings.retrieved, settings.together
        top_WQ = np.argsort(-catalog.recent_WI, axis=1, kind="stable")[:, : settings.popular].astype(np.int32)
        bought_WQ = np.take_along_axis(catalog.recent_WI, top_WQ, axis=1) > 0
        self.popular_WQ = np.where(bought_WQ, top_WQ, UNKNOWN).astype(np.int32)

    def __call__(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, line: np.ndarray, most: int) -> Listed:
        """At most `most` entries of each request.

        Args:
            retrieved_BR: [B, R] int32 items from the towers, best first, UNKNOWN where there is none.
            line: float32 weights of LINE.
        """
        histories = Histories.of(batch)
        popular = max(self.popular_WQ.shape[1], barred.allowed.popular_MQ.shape[1])
        offered = self._together + retrieved_BR.shape[1] + popular
        room_B = np.minimum(lengths(histories.end_B) + offered, most)
        room = int(room_B.sum())
        listed = Listed(
            item_N=np.empty(room, np.int32),
            source_N=np.empty(room, np.int32),
            line_N=np.empty(room, np.float32),
            input_NJ=np.empty((room, _WIDTH + len(self._features.kinds)), np.float32),
            end_B=np.empty(len(batch.time_B), np.int64),
        )
        size = _list(
            self._features.snapshot,
            histories,
            self.popular_WQ,
            self._together,
            writable(retrieved_BR, np.int32),
            self._retrieved,
            Barred(writable(barred.item_X, np.int32), writable(barred.end_B, np.int64), barred.allowed),
            writable(line, np.float32),
            int(most),
            listed,
        )
        return Listed._make([*(array[:size] for array in listed[:-1]), listed.end_B])


@kernel
def _list(snapshot, histories, popular_WQ, together, retrieved_BR, retrieved, barred, line, most, listed):
    size, from_event, from_barred = np.int64(0), 0, 0  # a literal 0 would be a second type of the size
    allowed = barred.allowed
    for b in range(len(histories.time_B)):
        to_event, to_barred = histories.end_B[b], barred.end_B[b]
        mask = allowed.mask_B[b] if len(allowed.mask_B) else -1
        may_I, popular_Q = allowed.may_MI[max(mask, 0)], allowed.popular_MQ[max(mask, 0)]
        if mask < 0:
            may_I, popular_Q = may_I[:0], popular_WQ[week_of(snapshot.snapshot_W, histories.time_B[b])]
        size = _list_one(
            snapshot,
            histories.item_H[from_event:to_event],
            histories.time_H[from_event:to_event],
            histories.time_B[b],
            histories.store_B[b],
            popular_Q,
            may_I,
            together,
            retrieved_BR[b],
            retrieved,
            barred.item_X[from_barred:to_barred],
            line,
            most,
            size,
            listed,
        )
        listed.end_B[b] = size
        from_event, from_barred = to_event, to_barred
    return size


@kernel
def _list_one(
    snapshot, item_H, time_H, time_s, store, popular_Q, may_I, together, retrieved_R, retrieved, barred_X, line, most,
    size, listed,
):  # fmt: skip
    """Writes this request's entries from `size` on; returns where they end."""
    events, week = len(item_H), week_of(snapshot.snapshot_W, time_s)
    age_H, whole_H = np.empty(events, np.float32), np.empty(events, np.int32)
    short_H, long_H = np.empty(events, np.float32), np.empty(events, np.float32)
    ages(time_H, time_s, age_H)
    halved(age_H, AFFINITY_DAYS, whole_H, short_H)
    halved(age_H, _LONG_DAYS, whole_H, long_H)
    begin_I = snapshot.begin_TI[week_of(snapshot.moment_T, time_s)]
    slots = places(reached(begin_I, item_H))
    along_S = np.full(slots, UNKNOWN, np.int32)
    sum_S, last_S = np.empty(slots, np.float32), np.empty(slots, np.float32)
    sum_together(begin_I, snapshot.near_N, snapshot.similar_N, item_H, time_H, short_H, along_S, sum_S, last_S)
    along_G = _most_along(along_S, sum_S, together)
    room = events + len(along_G) + len(retrieved_R) + len(popular_Q) + len(barred_X)
    item_P, source_P = np.empty(room, np.int32), np.empty(room, np.int32)
    excluded_P, input_JP = np.empty(room, np.bool_), np.empty((_WIDTH, room), np.float32)
    entries = _collect(
        item_H, age_H, short_H, long_H, along_G, retrieved_R, retrieved, popular_Q, barred_X, may_I,
        item_P, source_P, excluded_P, input_JP,
    )  # fmt: skip
    of_items(item_P[:entries], along_S, sum_S, input_JP[_ALONG])
    shares(along_S, sum_S, input_JP[_ALONG, :entries], input_JP[_ALONG_SHARE])
    _complete(snapshot, week, item_H, age_H, short_H, entries, item_P, input_JP)
    score_P, key_P = np.empty(entries, np.float32), np.empty(entries, np.int64)
    _weigh(line, input_JP, excluded_P, score_P)
    chosen = best(score_P, most, key_P)
    for c in range(chosen):
        p = key_P[c]
        listed.item_N[size + c], listed.source_N[size + c], listed.line_N[size + c] = item_P[p], source_P[p], score_P[p]
        for j in range(_WIDTH):
            listed.input_NJ[size + c, j] = input_JP[j, p]
    running_C, item_C = np.empty(chosen, np.uint8), listed.item_N[size : size + chosen]
    running_here(snapshot.change_N, snapshot.running_N, len(snapshot.price_I), store, item_C, time_s, running_C)
    for c in range(chosen):
        for k in range(listed.input_NJ.shape[1] - _WIDTH):
            listed.input_NJ[size + c, _WIDTH + k] = np.float32((np.int64(running_C[c]) >> k) & 1)
    return size + chosen


@kernel
def _most_along(item_S, sum_S, most):
    """The `most` items of a table (model/features/together.py) with the largest sums, largest first."""
    value_S, key_S = np.empty(len(item_S), np.float32), np.empty(len(item_S), np.int64)
    for s in range(len(item_S)):
        value_S[s] = sum_S[s] if item_S[s] != UNKNOWN else -INF
    along_G = np.empty(best(value_S, most, key_S), np.int32)
    for g in range(len(along_G)):
        along_G[g] = item_S[key_S[g]]
    return along_G


@kernel
def _collect(
    item_H, age_H, short_H, long_H, along_G, retrieved_R, retrieved, popular_Q, barred_X, may_I, item_P, source_P,
    excluded_P, input_JP,
):  # fmt: skip
    """Every source's items, each once, for the first source that has it; returns how many. Sums the OWN inputs."""
    together, near = len(item_H), len(item_H) + len(along_G)
    popular = near + len(retrieved_R)
    barred = popular + len(popular_Q)
    slot_S = np.full(places(len(item_P)), UNKNOWN, np.int32)
    entry_S = np.empty(len(slot_S), np.int64)
    short_P, long_P, young_P, place_P = input_JP[_SHORT], input_JP[_LONG], input_JP[_YOUNG], input_JP[_PLACE]
    size = 0
    for n in range(len(item_P)):
        if n < together:
            item, source = item_H[n], _OWN
        elif n < near:
            item, source = along_G[n - together], _TOGETHER
        elif n < popular:
            item, source = retrieved_R[n - near], _NEAR
        elif n < barred:
            item, source = popular_Q[n - popular], _POPULAR
        else:
            item, source = barred_X[n - barred], _BARRED
        if item == UNKNOWN:
            continue
        at = slot_of(item, slot_S)
        if slot_S[at] == UNKNOWN:
            if len(may_I) and (may_I[item] == NEVER or (may_I[item] == AGAIN and source != _OWN)):
                continue
            slot_S[at], entry_S[at] = item, size
            item_P[size], source_P[size], excluded_P[size] = item, source, False
            short_P[size], long_P[size], young_P[size] = ZERO, ZERO, INF
            place_P[size] = np.float32(retrieved + 1)
            size += 1
        p = entry_S[at]
        if n < together:
            short_P[p] += short_H[n]
            long_P[p] += long_H[n]
            young_P[p] = min(young_P[p], age_H[n])
        elif near <= n < popular:
            place_P[p] = min(place_P[p], np.float32(n - near + 1))
        elif n >= barred:
            excluded_P[p] = True
    work_2P = np.empty((2, size), np.float32)
    for p in range(size):
        input_JP[_BOUGHT, p] = ONE if short_P[p] > ZERO else ZERO
        young_P[p] = young_P[p] if short_P[p] > ZERO else ZERO
    for j in (_SHORT, _LONG, _YOUNG):
        log1p_row(input_JP[j, :size], work_2P)
    return size


@kernel
def _complete(snapshot, week, item_H, age_H, short_H, entries, item_P, input_JP):
    """Writes the inputs of EVERY; what goes together and the place are there already, without their logarithm."""
    decayed_V, youngest_V = np.empty(snapshot.values, np.float32), np.empty(snapshot.values, np.float32)
    total = affinities(item_H, age_H, short_H, snapshot.attribute_IA, snapshot.first_A, decayed_V, youngest_V)
    attributes = len(snapshot.first_A)
    for p in range(entries):
        item = item_P[p]
        input_JP[_SOLD, p] = snapshot.decayed_WI[week, item]
        input_JP[_AGAIN, p] = snapshot.repurchase_I[item]
        input_JP[_AFFINE, p], input_JP[_SHARE, p], input_JP[_AFFINE_DAYS, p] = ZERO, ZERO, NEVER_DAYS
        if attributes:
            code = snapshot.attribute_IA[item, 0]
            if code and decayed_V[code] > ZERO:
                input_JP[_AFFINE, p], input_JP[_SHARE, p] = decayed_V[code], decayed_V[code] / total
                input_JP[_AFFINE_DAYS, p] = youngest_V[code]
    work_2P = np.empty((2, entries), np.float32)
    for j in (_SOLD, _AFFINE, _AFFINE_DAYS, _ALONG, _PLACE):
        log1p_row(input_JP[j, :entries], work_2P)


@kernel
def _weigh(line, input_JP, excluded_P, score_P):
    """The line's score of each entry; -inf for what is excluded."""
    for p in range(len(score_P)):
        score = line[_MOST_LINE]
        for j in range(_WIDTH):
            score += line[j] * input_JP[j, p]
        if input_JP[_BOUGHT, p] > ZERO:
            for j in range(_OWNS, _WIDTH):
                score += line[_WIDTH + j - _OWNS] * input_JP[j, p]
        score_P[p] = score if not excluded_P[p] else -INF
