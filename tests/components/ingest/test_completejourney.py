"""The Complete Journey's own columns to canonical tables, with hand-computed values, on both engines."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.ingest.run import ingest
from model.data import columns as c
from tests.worlds import run_settings

WEEK_1 = pd.Timestamp("2016-12-26 05:00")
"""Promotion weeks turn at five in the morning UTC; the first was cut short by the turn of the year."""


def week(number: int) -> pd.Timestamp:
    return WEEK_1 + pd.Timedelta(weeks=number - 1)


def journey(folder: Path, promotions: list[tuple[int, int, str, str, int]]) -> Path:
    """The package's four files with two purchases; promotions as (product, store, display, mailer, week)."""
    folder.mkdir()
    transactions = pd.DataFrame(
        {
            "household_id": 1,
            "store_id": 10,
            "basket_id": [100, 101],
            "product_id": [7, 8],
            "quantity": [1, 2],
            "sales_value": [1.5, 3.0],
            "transaction_timestamp": pd.to_datetime(["2017-01-05 10:00", "2017-11-28 10:00"]),
        }
    )
    products = pd.DataFrame({"product_id": [7, 8], "manufacturer_id": 1, "department": "GROCERY", "brand": "National"})
    products = products.assign(product_category="SOUP", product_type=["TIN", None], package_size="1 LB")
    names = ("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count")
    demographics = pd.DataFrame({"household_id": [1]} | dict.fromkeys(names, "x"))
    columns = ["product_id", "store_id", "display_location", "mailer_location", "week"]
    tables = {"transactions": transactions, "products": products, "demographics": demographics}
    tables["promotions"] = pd.DataFrame(promotions, columns=columns)
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=pytest.mark.needs("java", "pyspark"))])
def test_weeks_of_promotion_become_stretches_one_kind_a_row(tmp_path: Path, engine: str) -> None:
    """Weeks 1 to 3 are consecutive though one is listed twice; 5 is alone; 52 and 53 are the end of the year."""
    folder = journey(
        tmp_path / "source",
        [(7, 10, "1", "0", w) for w in (3, 1, 2, 2, 5)]
        + [
            (7, 10, "0", "D", 3),
            (7, 11, "2", "A", 4),
            (8, 10, "9", "0", 53),
            (8, 10, "A", "0", 52),
            (8, 10, "0", "0", 9),
        ],
    )
    settings = run_settings(folder, source="complete_journey", engine=engine, memory_gb=1.0, cut_date="2017-11-01")
    ingest(data=settings.data, tables_dir=tmp_path / "tables")
    promotions = pq.read_table(tmp_path / "tables" / "promotions.parquet").to_pandas()
    rows = sorted(promotions[[c.ITEM, c.STORE, c.KIND, c.START, c.END]].itertuples(index=False, name=None))
    assert rows == [
        ("7", "10", "display_front", week(1), week(4)),
        ("7", "10", "display_front", week(5), week(6)),
        ("7", "10", "mailer_front", week(3), week(4)),
        ("7", "11", "display_front", week(4), week(5)),
        ("7", "11", "mailer_inside", week(4), week(5)),
        ("8", "10", "display_aisle", week(52), week(54)),
    ]
