"""Runs in the validate environment."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from components.artifacts.tables import Tables
from components.artifacts.validation import Validation
from components.tfdv import statistics, value_counts
from components.tfdv.derived_columns import as_requests, with_derived
from components.tfdv.distances import skew
from components.validate import baseline_drift as reference
from components.validate import id_changes
from components.validate import load_tables as reading
from components.validate.run import validate_from_json
from model.data import columns as c
from model.data import schema
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

FIRST_DAY, LAST_DAY, STEP_DAYS = 182, 336, 14


def validate_all(runs: list[dict[str, str]]) -> None:
    """Validations one after the other in one process, since importing TFDV takes seconds. `runs`: the arguments.

    The tests' driver also returns what was refused and found; nothing in the product validates several tables.
    """
    for arguments in runs:
        validate_from_json(**arguments)


def write_training_stats(visits: str, out: str) -> str:
    """Writes requests.stats.pb of trips in Parquet (user_id, time_s, store_id); returns `out`."""
    rows = pd.read_parquet(visits, columns=[c.USER, "time_s", c.STORE]).rename(columns={"time_s": c.TIME})
    rows[c.TIME] = rows[c.TIME].astype("float64")
    statistics.write(value_counts.of_frame(with_derived(schema.EVENTS, rows)), Path(out))
    return out


def drift(tables: str, scratch: str) -> dict[str, Any]:
    """{pairs: {kind: n}, largest: {kind: {feature: distance}}}; see benchmarks/data/drift.py."""
    settings, folder = ValidationSettings(), Validation(Path(scratch))
    loaded = reading.load(Tables(Path(tables)), schema.EVENTS, settings.max_rows)
    assert isinstance(loaded, reading.Loaded)
    events = with_derived(schema.EVENTS, loaded.frame)
    day = (events[c.TIME] // DAY_S).astype(int)
    day -= day.min()
    distances: dict[str, list[dict[str, float]]] = {}

    def of(rows: pd.DataFrame, name: str, against: Validation | None) -> statistics.Stats:
        return value_counts.of_frame(reference.spans(rows, against, math.inf)[name].of(rows))

    def between(kind: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
        reference.write(before, of(before, reference.TRAINING, None), folder)
        since = of(after, reference.SINCE, folder)
        values = {d.feature: d.value for d in reference.find(after, since, folder, settings)[1]}
        assert folder.span is not None
        ratio = reference.volume_ratio(folder.span, len(after), reference.span_days(after))
        values["volume ratio"] = max(ratio, 1 / ratio)
        for column in reference.KNOWN:
            before_ids, now = pd.read_parquet(folder.training_ids(column)), id_changes.by_id(after, column)
            values[f"{column} unknown_percent"] = id_changes.unknown_percent(before_ids, now)
            if column == c.ITEM:
                change = id_changes.price_change(before_ids, now)
                assert change is not None
                values |= {"price ratio": change[0], "item price moved": change[1]}
        distances.setdefault(kind, []).append(values)

    for cut in range(FIRST_DAY, LAST_DAY + 1, STEP_DAYS):
        before = events[day < cut]
        between("next_week", before, events[day < cut + 7])
        between("next_month", before, events[day < cut + 28])
        if cut + 91 <= LAST_DAY + 28:
            between("next_quarter", events[(day >= cut - 91) & (day < cut)], events[(day >= cut) & (day < cut + 91)])
        trained = value_counts.of_frame(as_requests(before))
        week = as_requests(events[(day >= cut) & (day < cut + 7)])
        distances.setdefault("requests", []).append(skew(trained, week))
    return {
        "pairs": {kind: len(values) for kind, values in distances.items()},
        "largest": {
            kind: {name: round(max(v[name] for v in values), 4) for name in values[0]}
            for kind, values in distances.items()
        },
    }
