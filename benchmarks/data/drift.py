"""How far do clean spans of The Complete Journey lie apart? The natural distances behind tfx_configs/validation.py.

`python -m benchmarks.data.drift` writes build/bench/drift.json: the largest distance of each feature over pairs of
spans.

- `next_week`, `next_month`: all events up to a day against all up to 7 or 28 days later: retraining on a longer span.
- `next_quarter`: 91 days against the 91 days after them, the least alike that two training spans should be.
- `requests`: one week's trips seen as requests, against all trips before it: the request log against training.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from components.kfp_support.environments import call
from tfx_configs.units import DAY_S

FIRST_DAY, LAST_DAY, STEP_DAYS = 182, 336, 14


def main() -> None:
    from benchmarks.harness.result_file import write_result
    from components.ingest.run import ingest
    from tfx_configs.recipes import full

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="what ingest wrote; default: ingest")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisle-drift-") as scratch:
        tables = arguments.tables
        if tables is None:
            tables = Path(scratch) / "tables"
            ingest(data=full().data, tables_dir=tables)
        result = call("validate", "benchmarks.data.drift:measure", {"tables": str(tables), "scratch": scratch})
    print(write_result("drift", result, seed=0))


def measure(tables: str, scratch: str) -> dict[str, Any]:
    """{pairs: {kind: n}, largest: {kind: {feature: distance}}}; runs in the validate environment."""
    import pandas as pd

    from components.artifacts.tables import Tables
    from components.artifacts.validation import Validation
    from components.tfdv import statistics
    from components.tfdv.derived_columns import as_requests, with_derived
    from components.tfdv.distances import skew
    from components.validate import baseline_drift as reference
    from components.validate import load_tables as reading
    from model.data import columns as c
    from model.data import schema
    from tfx_configs.validation import ValidationSettings

    settings, folder = ValidationSettings(), Validation(Path(scratch))
    loaded = reading.load(Tables(Path(tables)), schema.EVENTS, settings.max_rows)
    assert isinstance(loaded, reading.Loaded)
    events = with_derived(schema.EVENTS, loaded.frame)
    day = (events[c.TIME] // DAY_S).astype(int)
    day -= day.min()
    distances: dict[str, list[dict[str, float]]] = {}

    def between(kind: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
        reference.write(before, folder)
        values = {d.feature: d.value for d in reference.find(after, folder, settings)[1]}
        assert folder.span is not None
        ratio = reference.volume_ratio(folder.span, len(after), reference.span_days(after))
        values["volume ratio"] = max(ratio, 1 / ratio)
        for column in reference.KNOWN:
            before_ids, now = pd.read_parquet(folder.known(column)), reference.by_id(after, column)
            values[f"{column} unknown_percent"] = reference.unknown_percent(before_ids, now)
            if column == c.ITEM:
                change = reference.price_change(before_ids, now)
                assert change is not None
                values |= {"price ratio": change[0], "item price moved": change[1]}
        distances.setdefault(kind, []).append(values)

    for cut in range(FIRST_DAY, LAST_DAY + 1, STEP_DAYS):
        before = events[day < cut]
        between("next_week", before, events[day < cut + 7])
        between("next_month", before, events[day < cut + 28])
        if cut + 91 <= LAST_DAY + 28:
            between("next_quarter", events[(day >= cut - 91) & (day < cut)], events[(day >= cut) & (day < cut + 91)])
        trained = statistics.compute(as_requests(before))
        week = as_requests(events[(day >= cut) & (day < cut + 7)])
        distances.setdefault("requests", []).append(skew(trained, week))
    return {
        "pairs": {kind: len(values) for kind, values in distances.items()},
        "largest": {
            kind: {name: round(max(v[name] for v in values), 4) for name in values[0]}
            for kind, values in distances.items()
        },
    }


if __name__ == "__main__":
    main()
