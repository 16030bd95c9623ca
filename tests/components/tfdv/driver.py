"""Runs in the validate environment: all of the tests' work in one process, since importing TFDV takes seconds."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow_data_validation as tfdv

from components.artifacts.tables import Tables
from components.artifacts.validation import Validation
from components.tfdv import statistics, stored_rows, value_counts
from components.tfdv.derived_columns import with_derived
from components.tfdv.distances import COMPARED
from components.tfdv.statistics import Selection, Stats
from components.tfdv.window_distances import distances
from components.validate.load_tables import PARTITION, Loaded, load
from components.validate.run import validate_from_json
from model.data import schema
from model.errors import InputError
from model.files import read_json
from tfx_configs.beam import BeamSettings

NUMBERS = ("mean", "std_dev", "num_zeros", "min", "median", "max")
FEW = 100
"""Distinct values of a column of which TFDV's sketch finds the most frequent ones: it overestimates how often each of
many rare values comes, 6 for a basket's 3 rows."""


def measure(tables_dir: str, out_dir: str, settings: str, windows: dict[str, Any]) -> dict[str, Any]:
    """{"measured": distances of the windows from the tables, once validated; "refused": the message without them}."""
    validate_from_json(tables_dir=tables_dir, out_dir=out_dir, settings=settings)
    stats = Validation(Path(out_dir)).requests_stats
    answer: dict[str, Any] = {"measured": distances(training_stats=str(stats), **windows)}
    try:
        distances(training_stats=str(stats.with_name("lost.pb")), **windows)
    except InputError as error:
        answer["refused"] = str(error)
    return answer


def compare_statistics(tables_dir: str, work_dir: str, batch: int) -> dict[str, Any]:
    """{"tfdv", "sketched", "frame", "batches", "beam": {table, or "stretch" of events: its figures}}, by batches of so
    many rows.

    "tfdv" is of the frame, row by row, by TFDV alone; "sketched" counts few values exactly.
    """
    stored_rows.BATCH = batch
    tables, frames, asked = Tables(Path(tables_dir)), {}, {}
    for table in (schema.EVENTS, schema.ITEMS):
        loaded, path = load(tables, table, 10**9), tables.path(table)
        assert isinstance(loaded, Loaded) and path is not None
        frames[table.name] = with_derived(table, loaded.frame)
        asked[table.name] = (stored_rows.StoredTable.at(path, table, PARTITION), Selection())
    events = frames["events"]
    low, high = events["event_time"].quantile([0.3, 0.7])
    stretch = Selection(begin_s=low, end_s=high, columns=COMPARED, ranges={"log_price": (1.0, 2.0)})
    asked["stretch"] = (asked["events"][0], stretch)
    frames["stretch"] = stretch.of(events)
    measured = {
        "tfdv": {name: by_tfdv(frame) for name, frame in frames.items()},
        "frame": {name: value_counts.of_frame(frame) for name, frame in frames.items()},
        "batches": stored_rows.compute(asked, BeamSettings()),
        "beam": stored_rows._on_runner(asked, BeamSettings(work_dir=work_dir)),
    }
    value_counts._MANY = 2 * FEW
    measured["sketched"] = stored_rows.compute(asked, BeamSettings())
    most = dict.fromkeys(("tfdv", "sketched"), FEW)
    return {
        route: {name: figures(each, most.get(route)) for name, each in of.items()} for route, of in measured.items()
    }


def by_tfdv(frame: pd.DataFrame) -> Stats:
    """Statistics of the columns that have a value."""
    return tfdv.generate_statistics_from_dataframe(frame.dropna(axis=1, how="all").reset_index(drop=True), n_jobs=1)


def validated(tables_dir: str, out_dir: str, settings: str) -> dict[str, Any]:
    """{"report": anomalies.json, "statistics": {table: its figures}} of one validation."""
    validate_from_json(tables_dir=tables_dir, out_dir=out_dir, settings=settings)
    out = Validation(Path(out_dir))
    stats = {table.name: figures(statistics.read(out.stats(table.name))) for table in schema.TABLES}
    return {"report": read_json(Path(out_dir) / "anomalies.json"), "statistics": stats}


def figures(stats: Stats, most: int | None = None) -> dict[str, dict[str, float]]:
    """{column: its figures}, of a text with its most frequent values; of one with more than `most`, without these."""
    out = {}
    for feature in stats.datasets[0].features:
        numeric = feature.HasField("num_stats")
        common = feature.num_stats.common_stats if numeric else feature.string_stats.common_stats
        row = {"rows": stats.datasets[0].num_examples, "values": common.num_non_missing, "missing": common.num_missing}
        if numeric:
            row |= {name: getattr(feature.num_stats, name) for name in NUMBERS}
            for kind, histogram in zip(("bucket", "quantile"), feature.num_stats.histograms, strict=True):
                row |= {f"{kind} {n}": bucket.sample_count for n, bucket in enumerate(histogram.buckets)}
        else:
            row |= {"unique": feature.string_stats.unique, "length": feature.string_stats.avg_length}
            top = feature.string_stats.top_values if most is None or row["unique"] <= most else ()
            row |= {f"top {n}": value.frequency for n, value in enumerate(top)}
            # Values of one frequency are in any order.
            often = Counter(value.frequency for value in top)
            row |= {f"most {value.value}": value.frequency for value in top[:3] if often[value.frequency] == 1}
        out[statistics.name_of(feature)] = row
    return out
