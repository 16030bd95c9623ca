"""The conversion in docs/your-data.md, as it is written there, on a shop with columns of its own."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.examples.run import build_examples
from components.ingest.run import ingest
from tests.worlds import market, run_settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "your-data.md").read_text(encoding="utf-8")


def test_a_shops_own_export_becomes_tables_that_the_pipeline_takes(tmp_path: Path) -> None:
    code: dict[str, Any] = {}
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(block, code)
    tables = market()
    events, items = tables["events"], tables["items"]
    orders = pd.DataFrame(
        {
            "customer": events["user_id"],
            "sku": events["item_id"],
            "order_no": events["basket_id"],
            "branch": events["store_id"],
            "ordered_at": events["event_time"].dt.strftime("%Y-%m-%d %H:%M"),
            "quantity": 2,
            "line_total": 2 * events["price"],
        }
    )
    products = items.rename(columns={"item_id": "sku", "department": "category"})
    code["convert"](orders, products, tmp_path / "tables")
    run = run_settings(tmp_path / "tables")
    ingest(data=run.data, tables_dir=tmp_path / "clean")
    clean = pq.read_table(tmp_path / "clean" / "events").to_pandas().sort_values(["user_id", "event_time", "item_id"])
    assert len(clean) == len(events)
    first, before = clean.iloc[0], events.sort_values(["user_id", "event_time", "item_id"]).iloc[0]
    assert first["event_time"] == before["event_time"] - pd.Timedelta(hours=1)  # Vienna in January
    assert first["price"] == before["price"]
    assert build_examples(run=run, tables_dir=tmp_path / "clean", examples_dir=tmp_path / "examples").test_trips > 0
