"""Which promotions run for an item in a store at a time: all kinds in one binary search.

Shape legend: P promotion stretches, N moments at which something changes, C items asked about.
"""

from collections.abc import Sequence

import numpy as np

from model.data.catalog import MISSING, MOST_KINDS, Promotions
from model.kernels.compiler import kernel
from tfx_configs.units import HOUR_S

HOURS = 1 << 20
"""More than the hours since 1970 until the year 2089: (place, hour) packs into one sortable int64."""


def changes(promotions: Sequence[Promotions], items: int) -> tuple[np.ndarray, np.ndarray]:
    """(key [N] int64 ascending, mask [N] uint8): from this (place, hour) on, these kinds run in this place.

    A place is store * items + item. Stretches of one kind are joined where they overlap; then each start and each end
    turns the kind's bit over, so that the mask at a moment is the exclusive or of all turns up to it. Every place ends
    with nothing running.
    """
    assert len(promotions) <= MOST_KINDS
    keys, bits = [np.array([-1])], [np.zeros(1, np.uint8)]
    for number, kind in enumerate(promotions):
        place_P = kind.store_P.astype(np.int64) * items + kind.item_P
        # end_hour_P is the latest end so far: a stretch that starts after it is separate from those before.
        apart_P = np.ones(len(place_P), bool)
        apart_P[1:] = (place_P[1:] != place_P[:-1]) | (kind.start_hour_P[1:] > kind.end_hour_P[:-1])
        first = np.flatnonzero(apart_P)
        last = np.append(first[1:], len(place_P))[: len(first)] - 1
        turns = [place_P[first] * HOURS + kind.start_hour_P[first], place_P[last] * HOURS + kind.end_hour_P[last]]
        keys += turns
        bits += [np.full(2 * len(first), 1 << number, np.uint8)]
    key, bit = np.concatenate(keys), np.concatenate(bits)
    order = np.argsort(key, kind="stable")
    key, mask = key[order], np.bitwise_xor.accumulate(bit[order])
    settled = np.append(key[1:] != key[:-1], True)
    return key[settled], mask[settled]


@kernel
def running_here(key_N, mask_N, items, store, item_C, time_s, running_C):
    """Writes the bits of the kinds that run for each item in this store or in all stores; MISSING is no store.

    Args:
        item_C: [C] int32. running_C: [C] uint8, written.
    """
    hour = time_s // HOUR_S
    running_C[:] = 0
    for here in range(2):
        place = np.int64(store) * items if here else np.int64(MISSING) * items
        if here and store == MISSING:
            break
        # Places of a store lie side by side: what a store lacks altogether takes no search.
        low = np.searchsorted(key_N, place * HOURS)
        high = np.searchsorted(key_N, (place + items) * HOURS)
        if low == high:
            continue
        for c in range(len(item_C)):
            key = (place + item_C[c]) * HOURS + hour
            first, size = low, high - low
            while size > 0:
                half = size >> 1
                right = key_N[first + half] <= key
                first = first + half + 1 if right else first
                size = size - half - 1 if right else half
            running_C[c] |= mask_N[first - 1]
