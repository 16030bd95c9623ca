"""Trips of events in memory, as the examples stage makes them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.engines.engine import open_engine
from components.examples.parts import Lines
from components.examples.trips import COLUMNS, JUDGED, LEARNED, NUMBERS, trips_of
from model.data import columns as c
from model.data.labels import is_positive
from model.data.trips import Trips
from tfx_configs.labels import LabelSettings
from tfx_configs.settings import DataSettings


def build_trips(events: pd.DataFrame, item_ids: np.ndarray, cut_s: int, max_history: int) -> Trips:
    """`trips_of` for events in memory that are all learned from, or marked; they are not changed."""
    return _built(events, item_ids, cut_s, max_history, (LEARNED, JUDGED, *NUMBERS))[0]


def trips_and_lines(
    events: pd.DataFrame, item_ids: np.ndarray, cut_s: int, max_history: int, labels: LabelSettings
) -> tuple[Trips, Lines]:
    """The same for events of any type, of which the positive ones are learned from and judged."""
    positive = is_positive(events.__getitem__, labels)
    marked = events.assign(**{LEARNED: positive, JUDGED: positive})
    return _built(marked, item_ids, cut_s, max_history, (LEARNED, JUDGED, *NUMBERS, c.EVENT_TYPE))


def _built(
    events: pd.DataFrame, item_ids: np.ndarray, cut_s: int, max_history: int, others: Sequence[str]
) -> tuple[Trips, Lines]:
    columns = [*COLUMNS, *(name for name in others if name in events.columns)]
    whole = events[columns].assign(**{c.TIME: events[c.TIME].dt.floor("s")})
    with open_engine(DataSettings()) as engine:
        return trips_of(engine, [engine.table(whole)], item_ids, cut_s, max_history)
