"""DuckDB and Spark read an export alike: CSV of another form, and Parquet whose times and numbers are text."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.artifacts.tables import IngestReport
from components.ingest.run import ingest
from model.data import columns as c
from tests.worlds import run_settings, write

DAYS = 40
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


def as_csv(folder: Path) -> None:
    folder.mkdir()
    export(TIMES).to_csv(folder / "events.csv", index=False, sep=";", encoding="cp1252")
    pd.DataFrame({c.ITEM: ["two\nlines", "i3"], "size": [1.0, None]}).to_csv(
        folder / "items.csv", index=False, sep="\t", encoding="utf-16"
    )


def as_parquet(folder: Path) -> None:
    items = pd.DataFrame({c.ITEM: ["two\nlines", " i3 "], "size": [1.0, None], "weight": [0.25, 3.0]})
    write(folder, events=export([*TIMES, "1578335405"]), items=items)


def as_numbers(folder: Path) -> None:
    """Times in nanoseconds, with a zero and one beyond 64 bits of microseconds."""
    days = pd.date_range("2020-01-06", periods=DAYS + len(TIMES)).astype("datetime64[ns]").astype("int64") + 1_999
    times = days.to_list()
    times[3:5] = [0, 2**63 - 1]
    write(folder, events=export(TIMES).assign(**{c.TIME: times}), items=pd.DataFrame({c.ITEM: ["i3"]}))


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
    frames = [pq.read_table(folder / engine / name).to_pandas() for name in ("events", "items.parquet")]
    return report, [frame.sort_values(list(frame.columns), ignore_index=True) for frame in frames]


@pytest.mark.needs("java", "pyspark")
@pytest.mark.parametrize("form", [as_csv, as_parquet, as_numbers])
def test_both_engines_read_an_export_alike(tmp_path: Path, form: Callable[[Path], None]) -> None:
    form(tmp_path / "in")
    (ours, our_tables), (theirs, their_tables) = (ingested(tmp_path, engine) for engine in ("duckdb", "spark"))
    assert ours.model_copy(update={"engine": "spark"}) == theirs
    assert ours.dropped
    for table, other in zip(our_tables, their_tables, strict=True):
        pd.testing.assert_frame_equal(table, other, check_exact=True, check_categorical=False)
