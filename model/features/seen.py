"""What features are made of: sums over one shopper's history, as of one moment, for the items that are asked about.

Shape legend: H history events, C candidates of one request, L half-lives of the decayed counts, V attribute values
(numbered through all attributes), A item attributes, I items, G stretches of GAP_DAYS, X context values; N and M as in
own_rhythm.py.
"""

from typing import Any, NamedTuple

import numpy as np

from model.kernels.compiler import kernel
from model.kernels.numbers import INF, ONE, ZERO
from model.kernels.tables import UNKNOWN, places, slot_of
from tfx_configs.units import DAY_S

DAY = np.float32(DAY_S)
WEEK_S = 7 * DAY_S
NEVER_DAYS = np.float32(1000.0)
"""Age given to what never happened."""
AFFINITY_DAYS = np.float32(60.0)
"""Half-life of a shopper's affinity to an attribute value."""
_LITTLE = np.float32(1e-6)
_TURN, _WEEK_TURN = np.float32(2 * np.pi), np.float32(2 * np.pi / 7)


class Seen(NamedTuple):
    """All that a feature can read: of one request, and of the catalog as of its moment."""

    item_C: Any
    """[C] int32 the candidates, distinct."""
    running_C: Any
    """[C] uint8 bit n: promotion kind n runs for the item in this store now."""
    count_C: Any
    """[C] float32 purchases of the item by the shopper."""
    decayed_LC: Any
    """[L, C] float32 the same, halved by each half-life."""
    trip_C: Any
    """[C] float32 number of the last trip that had the item, from 1."""
    first_C: Any
    last_C: Any
    """[C] float32 days since its first and its last purchase; NEVER_DAYS without one."""
    gap_C: Any
    """[C] float32 mean days between its purchases; 0 where it was bought less than twice."""
    context_X: Any
    """[8] float32 trips, days since the last, mean days between trips, purchases a trip; sine and cosine of the time of
    day and of the day of the week."""
    decayed_V: Any
    youngest_V: Any
    """[V] float32 the shopper's purchases of each attribute value, halved by AFFINITY_DAYS, and the age of the last."""
    total: Any
    """float32 the shopper's purchases, halved by AFFINITY_DAYS; at least a little."""
    attribute_IA: Any
    first_A: Any
    """[A] int64 what is added to an attribute's codes to number values through all attributes."""
    recent_I: Any
    decayed_I: Any
    repurchase_I: Any
    price_I: Any
    here: Any
    """Here of the candidates (model/features/visits.py)."""
    together_3C: Any
    """[3, C] float32 similarity to what the shopper bought lately, each purchase halved by AFFINITY_DAYS; to what was
    bought at the last moment; the first over the largest of any item (model/features/together.py)."""
    lately_NC: Any
    """[N, C] float32 trips that had the item, of the shopper's last LATELY (model/features/own_rhythm.py)."""
    match_MC: Any
    """[M, C] float32 how near the moment is to those of the item's purchases: time of day, moment in the week."""
    hazard_IG: Any


@kernel
def ages(time_H, time_s, age_H):
    """Writes days from each event to the moment."""
    for h in range(len(time_H)):
        age_H[h] = np.float32(time_s - time_H[h]) / DAY


@kernel
def affinities(item_H, age_H, weight_H, attribute_IA, first_A, decayed_V, youngest_V):
    """Fills the last two; returns the sum of the weights. See Seen."""
    decayed_V[:], youngest_V[:] = ZERO, INF
    total = ZERO
    for h in range(len(item_H)):
        total += weight_H[h]
        for a in range(len(first_A)):
            v = first_A[a] + attribute_IA[item_H[h], a]
            decayed_V[v] += weight_H[h]
            youngest_V[v] = min(youngest_V[v], age_H[h])
    return max(total, _LITTLE)


@kernel
def moment(time_s, circle_X):
    """Writes time of day and day of the week on circles: sine and cosine of each."""
    days = np.float32(time_s % WEEK_S) / DAY
    circle_X[0], circle_X[1] = np.sin(_TURN * days), np.cos(_TURN * days)
    circle_X[2], circle_X[3] = np.sin(_WEEK_TURN * days), np.cos(_WEEK_TURN * days)


@kernel
def trip_numbers(time_H, trip_gap_s, trip_H):
    """Writes the number of each event's trip, from 1; returns how many there are."""
    trips = 0
    for h in range(len(time_H)):
        if h == 0 or np.float32(time_H[h] - time_H[h - 1]) > trip_gap_s:
            trips += 1
        trip_H[h] = trips
    return trips


@kernel
def candidate_of_events(item_H, item_C, candidate_H):
    """Writes which candidate each event is a purchase of; UNKNOWN for none."""
    slot_S = np.full(places(len(item_C)), UNKNOWN, np.int32)
    candidate_S = np.empty(len(slot_S), np.int32)
    for c in range(len(item_C)):
        at = slot_of(item_C[c], slot_S)
        slot_S[at], candidate_S[at] = item_C[c], c
    for h in range(len(item_H)):
        at = slot_of(item_H[h], slot_S)
        candidate_H[h] = candidate_S[at] if slot_S[at] != UNKNOWN else UNKNOWN


@kernel
def own_sums(candidate_H, trip_H, age_H, weight_LH, count_C, decayed_LC, trip_C, first_C, last_C, gap_C):
    """Fills the last six, see Seen."""
    count_C[:], decayed_LC[:], trip_C[:] = ZERO, ZERO, ZERO
    first_C[:], last_C[:] = -INF, INF
    for h in range(len(candidate_H)):
        c = candidate_H[h]
        if c != UNKNOWN:
            count_C[c] += ONE
            for i in range(decayed_LC.shape[0]):
                decayed_LC[i, c] += weight_LH[i, h]
            trip_C[c] = np.float32(trip_H[h])
            first_C[c], last_C[c] = max(first_C[c], age_H[h]), min(last_C[c], age_H[h])
    for c in range(len(count_C)):
        count = count_C[c]
        if count == ZERO:
            first_C[c], last_C[c] = NEVER_DAYS, NEVER_DAYS
        gap_C[c] = (first_C[c] - last_C[c]) / max(count - ONE, ONE) if count > ONE else ZERO


@kernel
def rhythm(age_H, trips, context_X):
    """Writes the first four values of the context, see Seen."""
    youngest, oldest = NEVER_DAYS, ZERO
    for h in range(len(age_H)):
        youngest, oldest = min(youngest, age_H[h]), max(oldest, age_H[h])
    visits = np.float32(trips)
    context_X[0], context_X[1] = visits, youngest
    context_X[2] = max(oldest - youngest, ZERO) / max(visits - ONE, ONE)
    context_X[3] = np.float32(len(age_H)) / max(visits, ONE)
