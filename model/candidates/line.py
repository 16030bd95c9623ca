"""What the pre-ranker reads of each entry of the pool, and its straight line over them.

Shape legend: N listed entries, J inputs.
"""

import numpy as np

OWN = ("bought", "decayed_60d", "decayed_365d", "last_days")
"""Of what the shopper bought before: 1, its purchases halved every 60 and 365 days, days since the last; else 0."""
EVERY = (
    "popularity",
    "repurchase",
    "affinity",
    "affinity_share",
    "affinity_last_days",
    "together",
    "together_share",
    "place",
)
"""Of every entry: purchases by everybody, share of buyers who came back; of its first attribute the shopper's
purchases, their share of all the shopper's, and days since the last; its similarity to the last purchases by what is
bought together, and that over the largest one; its place in the towers' list. The shares enter as they are, the others
as log(1 + x)."""
INPUTS = (*OWN, *EVERY)
LINE = (*INPUTS, *(f"bought_{name}" for name in EVERY), "one")
"""What the pre-ranker's line weighs: the inputs, those of EVERY again for what was bought before, and 1."""
BY_SOURCE = {"bought": 100.0, "decayed_60d": 10.0, "together": 10.0, "place": -1.0, "popularity": 1e-4}
"""Before anything is learned: what was bought before by its decayed count, then what goes together with it and the
towers', then the popular."""


def line_by_source() -> np.ndarray:
    """float32 weights of LINE."""
    return np.array([BY_SOURCE.get(name, 0.0) for name in LINE], np.float32)


def line_inputs(input_NJ: np.ndarray) -> np.ndarray:
    """[N, len(LINE)] float32: what the line weighs, from Listed.input_NJ."""
    every_NE = input_NJ[:, len(OWN) : len(INPUTS)]
    bought_N1, one_N1 = input_NJ[:, :1], np.ones((len(input_NJ), 1), np.float32)
    return np.concatenate([input_NJ[:, : len(INPUTS)], bought_N1 * every_NE, one_N1], axis=1)
