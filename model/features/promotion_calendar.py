"""Which promotions run for an item in a store at a time: all kinds in one binary search.

Shape legend: P promotion stretches, N moments at which something changes, C items asked about.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from model.data.catalog import MISSING, MOST_KINDS, Catalog, Promotions
from model.kernels.compiler import kernel
from model.system.disk_arrays import on_disk
from tfx_configs.units import HOUR_S

INT64, CHUNK = np.dtype(np.int64), 1 << 20
HOURS = 1 << 20
"""More than the hours since 1970 until the year 2089: (place, hour) packs into one sortable int64. What starts before
1970 starts then, and what ends later ends then."""


def changes(promotions: Sequence[Promotions], items: int) -> tuple[np.ndarray, np.ndarray]:
    """(key [N] int64 ascending, on disk, mask [N] uint8): from this (place, hour) on, these kinds run in this place.

    A place is store * items + item. Stretches of one kind are joined where they overlap; then each start and each end
    turns the kind's bit over, so that the mask at a moment is the exclusive or of all turns up to it. Every place ends
    with nothing running.
    """
    assert len(promotions) <= MOST_KINDS
    # There can be a hundred million turns: one array, sorted in place, with the kind in the last digit of each key.
    turns = (turn_N for number, kind in enumerate(promotions) for turn_N in _turns(kind, number, items))
    key = on_disk(itertools.chain([np.array([-MOST_KINDS])], turns), INT64)
    key.sort()
    mask = np.empty(len(key), np.uint8)
    chunks = [slice(first, first + CHUNK) for first in range(0, len(key), CHUNK)]
    for chunk in chunks:
        mask[chunk] = np.left_shift(1, key[chunk] % MOST_KINDS)
        key[chunk] //= MOST_KINDS
    mask[0] = 0
    np.bitwise_xor.accumulate(mask, out=mask)
    settled = np.append(key[1:] != key[:-1], True)
    return on_disk((key[chunk][settled[chunk]] for chunk in chunks), INT64), mask[settled]


def _turns(kind: Promotions, number: int, items: int) -> Iterator[np.ndarray]:
    """The keys at which the kind of this number starts to run or ends, times MOST_KINDS plus the number."""
    count = len(kind.item_P)
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count)
        rows, inner = slice(max(first - 1, 0), last + 1), slice(min(first, 1), min(first, 1) + last - first)
        place_P = kind.store_P[rows].astype(np.int64) * items + kind.item_P[rows]
        start_P, end_P = kind.start_hour_P[rows], kind.end_hour_P[rows]
        # end_hour_P is the latest end so far: a stretch that starts after it is separate from those before.
        apart = (place_P[1:] != place_P[:-1]) | (start_P[1:] > end_P[:-1])
        for turns_P, hour_P in ((np.append(True, apart), start_P), (np.append(apart, True), end_P)):
            key_P = place_P * HOURS + hour_P.clip(0, HOURS - 1)
            yield (key_P * MOST_KINDS + number)[inner][turns_P[inner]]


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
