"""Every per-trip metric of every model, in the order of the judged trips: what two evaluations are paired by.

Trips are known by their place alone, with the slices that they are in; no id of a shopper, moment or product is stored.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILE = "by_trip.parquet"
"""Beside metrics.json."""
_MODEL, _SLICE = "model", "slice"
"""What a column is of: model/NAME/METRIC, or slice/NAME."""


@dataclass(frozen=True, kw_only=True)
class TripValues:
    """Shape legend: N judged trips.

    Example:
        >>> values = TripValues(models={"aisle": {"ndcg@10": np.array([0.5])}}, slices={"shopper": np.array(["new"])})
        >>> values.within("shopper", "new").tolist()
        [True]
    """

    models: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """{model: {metric: [N] value, NaN where undefined}}."""
    slices: dict[str, np.ndarray] = field(default_factory=dict)
    """{slicing: [N] str}."""

    def within(self, slicing: str, value: str) -> np.ndarray:
        """[N] bool: the trip is in this slice; [0] where there is no such slicing."""
        return np.asarray(self.slices.get(slicing, np.empty(0, str)) == value)

    def save(self, directory: Path) -> None:
        """Writes the file."""
        columns = {
            f"{_MODEL}/{model}/{metric}": pa.array(value_N, pa.float64())
            for model, of_model in self.models.items()
            for metric, value_N in of_model.items()
        }
        columns |= {
            f"{_SLICE}/{name}": pa.array(label_N.tolist(), pa.string()) for name, label_N in self.slices.items()
        }
        pq.write_table(pa.table(columns), directory / FILE)

    @classmethod
    def load(cls, directory: Path) -> "TripValues":
        """What was saved; empty where the evaluation is of an earlier version."""
        if not (directory / FILE).is_file():
            return cls()
        table, values = pq.read_table(directory / FILE), cls()
        for name in table.column_names:
            kind, _, rest = name.partition("/")
            column_N = table[name].to_numpy()
            if kind == _SLICE:
                values.slices[rest] = column_N
            else:
                model, _, metric = rest.partition("/")
                values.models.setdefault(model, {})[metric] = column_N
        return values
