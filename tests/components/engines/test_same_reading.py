"""DuckDB and Spark read an export alike: CSV of several forms, and Parquet whose times are text and numbers."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.artifacts.tables import IngestReport
from components.ingest.run import ingest
from model.data import columns as c
from tests.worlds import run_settings, write

DAYS = 40
TABLES = ("events", "items.parquet", "promotions.parquet")
TIMES = ["2020-01-06T18:30:05.25Z", "2020-01-07 10:00:00+05:30", "2020-02-31", "1901-01-01", "soon"]
"""Two times, a day that does not exist, a time before all others, and none at all."""
PRICES = ["1.234,50 €", "12,5", "-3", "on request", "NULL"]


def export(times: list[str]) -> pd.DataFrame:
    days = [f"{day:%Y-%m-%d %H:%M}" for day in pd.date_range("2020-01-10", periods=DAYS)]
    rows = len(times) + DAYS
    return pd.DataFrame(
        {
            "Customer": [float(i % 7) for i in range(rows)],
            c.ITEM: [('the "b"', "Crème; brûlée", "two\nlines", " i3 ")[i % 4] for i in range(rows)],
            c.TIME: [*times, *days],
            "what": [("transaction", "Click", "spam")[i % 3] for i in range(rows)],
            c.QUANTITY: ["1.000,0", *["2"] * (rows - 1)],
            c.PRICE: (PRICES * rows)[:rows],
        }
    )


def write_export(folder: Path) -> None:
    """Events in Windows' CSV, items in UTF-16, promotions in Parquet: starts in text, ends in nanoseconds."""
    folder.mkdir()
    export(TIMES).to_csv(folder / "events.csv", index=False, sep=";", encoding="cp1252")
    items = pd.DataFrame({c.ITEM: ["two\nlines", "i3"], "size": [1.0, None]})
    items.to_csv(folder / "items.csv", index=False, sep="\t", encoding="utf-16")
    ends = [1_578_335_405_000_001_999, 2**63 - 1, 0, 1_585_699_200_000_000_000]
    starts = ["13.01.2020 06:30 PM", "01.02.20", "1578335405.5", "32.01.2020"]
    promoted = pd.DataFrame({c.ITEM: [7.0, 8.0, None, 9.5], c.START: starts, c.END: ends, c.KIND: "x"})
    write(folder, promotions=promoted)


def ingested(folder: Path, engine: str) -> tuple[IngestReport, list[pd.DataFrame]]:
    data = run_settings(
        folder / "in",
        engine=engine,
        memory_gb=1.0,
        max_dropped_percent=20,
        cut_date=None,
        columns={"Customer": c.USER, "what": c.EVENT_TYPE},
        event_types={"transaction": c.PURCHASE, "spam": "ignore"},
    ).data
    report = ingest(data=data, tables_dir=folder / engine)
    frames = [pq.read_table(folder / engine / name).to_pandas() for name in TABLES]
    return report, [frame.sort_values(list(frame.columns), ignore_index=True) for frame in frames]


@pytest.mark.needs("java", "pyspark")
def test_both_engines_read_an_export_alike(tmp_path: Path) -> None:
    write_export(tmp_path / "in")
    (ours, our_tables), (theirs, their_tables) = (ingested(tmp_path, engine) for engine in ("duckdb", "spark"))
    assert ours.model_copy(update={"engine": "spark"}) == theirs
    assert ours.dropped and len(our_tables[2]) > 0
    for table, other in zip(our_tables, their_tables, strict=True):
        pd.testing.assert_frame_equal(table, other, check_exact=True, check_categorical=False)
