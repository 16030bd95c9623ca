"""Every per-trip metric of every model, in the order of the judged trips: what two evaluations are paired by.

Trips are known by their place alone; no id of a shopper, moment or product is stored.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILE = "by_trip.parquet"
"""Beside metrics.json."""
TripValues = dict[str, dict[str, np.ndarray]]
"""{model: {metric: [N] value, NaN where undefined}}."""
_SEPARATOR = "/"


def save_trip_values(directory: Path, values: TripValues) -> None:
    """Writes the file; a column is model/metric."""
    columns = {
        f"{model}{_SEPARATOR}{metric}": pa.array(value_N, pa.float64())
        for model, of_model in values.items()
        for metric, value_N in of_model.items()
    }
    pq.write_table(pa.table(columns), directory / FILE)


def load_trip_values(directory: Path) -> TripValues:
    """What was written; empty where the evaluation is of an earlier version."""
    if not (directory / FILE).is_file():
        return {}
    table, values = pq.read_table(directory / FILE), TripValues()
    for name in table.column_names:
        model, _, metric = name.partition(_SEPARATOR)
        values.setdefault(model, {})[metric] = table[name].to_numpy()
    return values
