"""What returns take back, under the rule of the training labels (docs/labels.md, components/examples/labels.py).

Shape legend: N events.
"""

import numpy as np

from model.serving.history.record import TYPES, Record
from tfx_configs.labels import LabelSettings
from tfx_configs.units import DAY_S

RETURN = TYPES.index("return")
FOREVER = np.iinfo(np.int64).max
NOTHING = 1e-9
"""Pieces: what is left of a quantity in floating point when all was returned."""
_WITHIN_S = LabelSettings().return_days * DAY_S


def return_times(record: Record) -> np.ndarray:
    """[N] int64 unix seconds at which nothing was left of each purchase, FOREVER where something is.

    A return takes back its quantity: from the latest purchase of that item that has something left and is young enough,
    and then from the one before it.
    """
    time_N = np.full(len(record.items), FOREVER, np.int64)
    bought: dict[str, list[int]] = {}
    for n in np.flatnonzero(record.type_N == 0)[::-1].tolist():  # the record is in order of time
        bought.setdefault(record.items[n], []).append(n)
    left_N = record.quantity_N.astype(np.float64)
    returns = np.flatnonzero(record.type_N == RETURN)
    for at in sorted(returns.tolist(), key=lambda n: (record.time_N[n], record.items[n], left_N[n])):
        rest = left_N[at]
        for n in bought.get(record.items[at], ()):
            if left_N[n] > NOTHING and 0 <= record.time_N[at] - record.time_N[n] <= _WITHIN_S:
                taken = min(rest, left_N[n])
                rest, left_N[n] = rest - taken, left_N[n] - taken
                if left_N[n] <= NOTHING:
                    time_N[n] = record.time_N[at]
                if rest <= NOTHING:
                    break
    return time_N
