"""What goes together with the shopper's last purchases: similarities of items, summed over them.

The table is the catalog's (components/train/item_neighbours.py makes it). Shape legend: H history events, N neighbours
of all items, S slots of a hash table of items (model/kernels/tables.py).
"""

from model.kernels.compiler import kernel
from model.kernels.numbers import ZERO
from model.kernels.tables import UNKNOWN, slot_of

EVENTS = 16
"""Of a history, the last ones, whose neighbours count."""


@kernel
def reached(begin_I, item_H):
    """How many neighbours the last EVENTS of a history have, an item counted as often as it comes."""
    neighbours = 0
    for h in range(max(len(item_H) - EVENTS, 0), len(item_H)):
        neighbours += begin_I[item_H[h] + 1] - begin_I[item_H[h]]
    return neighbours


@kernel
def sum_together(begin_I, near_N, similar_N, item_H, time_H, weight_H, slot_S, sum_S, last_S):
    """Writes a hash table of the neighbours of the last EVENTS.

    Args:
        begin_I, near_N, similar_N: see model.data.neighbour_tables.Together. weight_H: float32 of each event.
        slot_S: int32 UNKNOWN; then the neighbours. sum_S: float32, of each neighbour its similarities times weights.
        last_S: float32, of each its similarities to what was bought at the history's last moment.
    """
    for h in range(max(len(item_H) - EVENTS, 0), len(item_H)):
        weight, is_last = weight_H[h], time_H[h] == time_H[len(time_H) - 1]
        for n in range(begin_I[item_H[h]], begin_I[item_H[h] + 1]):
            at = slot_of(near_N[n], slot_S)
            if slot_S[at] == UNKNOWN:
                slot_S[at], sum_S[at], last_S[at] = near_N[n], ZERO, ZERO
            sum_S[at] += weight * similar_N[n]
            if is_last:
                last_S[at] += similar_N[n]


@kernel
def of_items(item_C, slot_S, value_S, value_C):
    """Writes each item's value of such a table; 0 where it is not in it."""
    for c in range(len(item_C)):
        at = slot_of(item_C[c], slot_S)
        value_C[c] = value_S[at] if slot_S[at] != UNKNOWN else ZERO


@kernel
def shares(slot_S, value_S, value_C, share_C):
    """Writes the values as shares of the table's largest; 0 where that is 0."""
    largest = ZERO
    for s in range(len(slot_S)):
        if slot_S[s] != UNKNOWN:
            largest = max(largest, value_S[s])
    for c in range(len(value_C)):
        share_C[c] = value_C[c] / largest if largest > ZERO else ZERO
