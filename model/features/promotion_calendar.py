"""Which promotions run for an item in a store at a time: all kinds in one binary search.

Shape legend: P promotion stretches, N moments at which something changes, C items asked about.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from model.data.catalog import MISSING, MOST_KINDS, Catalog, Promotions
from model.kernels.compiler import kernel
from tfx_configs.units import HOUR_S

HOURS = 1 << 20
"""More than the hours since 1970 until the year 2089: (place, hour) packs into one sortable int64. What starts before
1970 starts then, and what ends later ends then."""


def changes(promotions: Sequence[Promotions], items: int) -> tuple[np.ndarray, np.ndarray]:
    """(key [N] int64 ascending, mask [N] uint8): from this (place, hour) on, these kinds run in this place.

    A place is store * items + item. Stretches of one kind are joined where they overlap; then each start and each end
    turns the kind's bit over, so that the mask at a moment is the exclusive or of all turns up to it. Every place ends
    with nothing running.
    """
    assert len(promotions) <= MOST_KINDS
    keys = [np.array([-MOST_KINDS])]
    for number, kind in enumerate(promotions):
        keys += [turn_N * MOST_KINDS + number for turn_N in _turns(kind, items)]
    # There can be a hundred million turns: one array, sorted in place, with the kind in the last digit of each key.
    key = np.concatenate(keys)
    del keys
    key.sort()
    bit = np.left_shift(np.uint8(1), (key % MOST_KINDS).astype(np.uint8))
    bit[0] = 0
    np.bitwise_xor.accumulate(bit, out=bit)
    key //= MOST_KINDS
    settled = np.append(key[1:] != key[:-1], True)
    return key[settled], bit[settled]


def _turns(kind: Promotions, items: int) -> tuple[np.ndarray, np.ndarray]:
    """The keys at which a kind starts to run, and those at which it ends."""
    place_P = kind.store_P.astype(np.int64) * items + kind.item_P
    # end_hour_P is the latest end so far: a stretch that starts after it is separate from those before.
    apart_P = np.ones(len(place_P), bool)
    apart_P[1:] = (place_P[1:] != place_P[:-1]) | (kind.start_hour_P[1:] > kind.end_hour_P[:-1])
    first = np.flatnonzero(apart_P)
    last = np.append(first[1:], len(place_P))[: len(first)] - 1
    start_hour, end_hour = (hour.clip(0, HOURS - 1) for hour in (kind.start_hour_P[first], kind.end_hour_P[last]))
    place = place_P[first] * HOURS
    return place + start_hour, place + end_hour


def with_calendar(catalog: Catalog) -> Catalog:
    """The catalog with its calendar made, for a model directory; of the promotions only the kinds stay."""
    arrays = [field.name for field in fields(Promotions) if field.name != "kind"]
    nothing: dict[str, Any] = dict.fromkeys(arrays, np.zeros(0, np.int32))
    kinds = tuple(replace(promotions, **nothing) for promotions in catalog.promotions)
    return replace(catalog, promotions=kinds, calendar=changes(catalog.promotions, catalog.items))


def for_more_items(key_N: np.ndarray, items: int, more: int) -> np.ndarray:
    """[N] int64 the keys of a calendar of `items` items in a catalog to which others were added at the end."""
    place_N, hour_N = np.divmod(key_N, HOURS)
    store_N, item_N = np.divmod(place_N, items)
    return np.where(key_N < 0, key_N, (store_N * more + item_N) * HOURS + hour_N)


@kernel
def running_here(key_N, mask_N, items, store, item_C, time_s, running_C):
    """Writes the bits of the kinds that run for each item in this store or in all stores; MISSING is no store.

    Args:
        item_C: [C] int32. running_C: [C] uint8, written.
    """
    hour = min(max(time_s // HOUR_S, 0), HOURS - 1)
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
