"""On which of a shopper's trips each candidate was bought, and how near this moment is to those of its purchases.

Shape legend: H history events, C candidates of one request, N numbers of last trips, M circles.
"""

import numpy as np

from model.kernels.compiler import kernel
from model.kernels.numbers import ONE, ZERO
from model.kernels.tables import UNKNOWN
from tfx_configs.units import DAY_S, WEEK_S

LATELY = (10, 20)
"""Numbers of last trips."""
CIRCLES_S = (DAY_S, WEEK_S)
"""On which moments are near each other: time of day, moment in the week."""
PRIOR = np.float32(5)
"""Purchases' worth of what the shopper does with all items, mixed into the moments of each item's."""
_FOUR = np.float32(4)


@kernel
def lately(candidate_H, trip_H, trips, lately_NC):
    """Writes how many of the shopper's last LATELY trips had each candidate."""
    lately_NC[:] = ZERO
    trip_C = np.zeros(lately_NC.shape[1], np.int32)
    for h in range(len(candidate_H)):
        c = candidate_H[h]
        if c != UNKNOWN and trip_C[c] != trip_H[h]:
            trip_C[c] = trip_H[h]
            for n in range(len(LATELY)):
                if trips - trip_H[h] < LATELY[n]:
                    lately_NC[n, c] += ONE


@kernel
def moment_match(candidate_H, time_H, time_s, around_s, count_C, match_C):
    """Writes how near the moment is to those of each candidate's purchases, on a circle of so many seconds: the mean,
    with PRIOR times that of all purchases."""
    match_C[:] = ZERO
    every = ZERO
    for h in range(len(candidate_H)):
        near = nearness(time_H[h], time_s, around_s)
        every += near
        if candidate_H[h] != UNKNOWN:
            match_C[candidate_H[h]] += near
    prior = PRIOR * (every / max(np.float32(len(candidate_H)), ONE))
    for c in range(len(match_C)):
        match_C[c] = (match_C[c] + prior) / (count_C[c] + PRIOR)


@kernel
def nearness(then_s, now_s, around_s):
    """1 at the same place of the circle, -1 at the opposite one, linear between."""
    apart = np.float32(abs(then_s % around_s - now_s % around_s)) / np.float32(around_s)
    return ONE - _FOUR * min(apart, ONE - apart)
