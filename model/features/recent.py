"""What the query tower reads of a shopper: the last events and how much each counts.

Shape legend: B requests, R recent events, A item attributes, L half-lives, D shopper attributes.
"""

from typing import NamedTuple

import numpy as np

from model.api import RECENT_EVENTS
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.features.matrix import Histories
from model.features.seen import ages, moment
from model.kernels.arrays import writable
from model.kernels.compiler import kernel
from model.kernels.numbers import halved

TASTE_DAYS = (3.0, 30.0, 180.0)
"""Half-lives. The history is summed three times: what was bought lately, this month, all along."""


class Recent(NamedTuple):
    """NumPy arrays, or tensors in training."""

    vocabulary_BR: np.ndarray
    """[B, R] int32 embedding row of the item of each event, the last event last; 0 where there is none."""
    attribute_BRA: np.ndarray
    """[B, R, A] int32 its attributes' codes."""
    weight_BRL: np.ndarray
    """[B, R, L] float32 halved by each of TASTE_DAYS; 0 where there is no event."""
    moment_BX: np.ndarray
    """[B, 4] float32 time of day and day of the week on circles."""
    user_BD: np.ndarray
    """[B, D] int32 the shopper's attributes' codes."""


class RecentEvents:
    """Reads them on one catalog. Stateless, so threads may share it."""

    def __init__(self, catalog: Catalog) -> None:
        self._vocabulary_I = writable(catalog.vocabulary_I, np.int32)
        self._attribute_IA = writable(catalog.attribute_IA, np.int32)
        self._life_L = np.array(TASTE_DAYS, np.float32)

    def __call__(self, batch: Batch) -> Recent:
        requests, attributes = len(batch.time_B), self._attribute_IA.shape[1]
        recent = Recent(
            vocabulary_BR=np.zeros((requests, RECENT_EVENTS), np.int32),
            attribute_BRA=np.zeros((requests, RECENT_EVENTS, attributes), np.int32),
            weight_BRL=np.zeros((requests, RECENT_EVENTS, len(TASTE_DAYS)), np.float32),
            moment_BX=np.empty((requests, 4), np.float32),
            user_BD=batch.user_BD,
        )
        _fill(Histories.of(batch), self._vocabulary_I, self._attribute_IA, self._life_L, recent)
        return recent


@kernel
def _fill(histories, vocabulary_I, attribute_IA, life_L, recent):
    most = recent.vocabulary_BR.shape[1]
    age_R, whole_R, weight_R = np.empty(most, np.float32), np.empty(most, np.int32), np.empty(most, np.float32)
    begin = 0
    for b in range(len(histories.time_B)):
        end = histories.end_B[b]
        first = max(begin, end - most)
        events, begin = end - first, end
        moment(histories.time_B[b], recent.moment_BX[b])
        ages(histories.time_H[first:end], histories.time_B[b], age_R)
        for r in range(events):
            item, at = histories.item_H[first + r], most - events + r
            recent.vocabulary_BR[b, at] = vocabulary_I[item]
            for a in range(attribute_IA.shape[1]):
                recent.attribute_BRA[b, at, a] = attribute_IA[item, a]
        for i in range(len(life_L)):
            halved(age_R[:events], life_L[i], whole_R, weight_R)
            for r in range(events):
                recent.weight_BRL[b, most - events + r, i] = weight_R[r]
