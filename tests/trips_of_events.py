"""Trips of events in memory, as the examples stage makes them."""

import numpy as np
import pandas as pd

from components.engines.engine import open_engine
from components.examples.trips import COLUMNS, JUDGED, LEARNED, NUMBERS, trips_of
from model.data import columns as c
from model.data.trips import Trips
from tfx_configs.settings import DataSettings


def build_trips(events: pd.DataFrame, item_ids: np.ndarray, cut_s: int, max_history: int) -> Trips:
    """`trips_of` for events in memory; they are not changed."""
    others = [name for name in (LEARNED, JUDGED, *NUMBERS) if name in events.columns]
    whole = events[[*COLUMNS, *others]].assign(**{c.TIME: events[c.TIME].dt.floor("s")})
    with open_engine(DataSettings()) as engine:
        return trips_of(engine, engine.table(whole), item_ids, cut_s, max_history)
