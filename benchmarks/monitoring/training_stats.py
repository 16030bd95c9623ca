"""TFDV's statistics of trips, where no validation left them; runs in the validate environment."""

from pathlib import Path

import pandas as pd

from components.tfdv import statistics
from components.tfdv.derived_columns import with_derived
from model.data import columns as c
from model.data import schema


def write_training_stats(visits: str, out: str) -> str:
    """Writes requests.stats.pb of trips in Parquet (user_id, time_s, store_id); returns `out`."""
    rows = pd.read_parquet(visits, columns=[c.USER, "time_s", c.STORE]).rename(columns={"time_s": c.TIME})
    rows[c.TIME] = rows[c.TIME].astype("float64")
    statistics.write(statistics.compute(with_derived(schema.EVENTS, rows)), Path(out))
    return out
