"""The three shops of docs/your-data.md: a small export of each kind, with the settings as the page has them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipelines.inspection.inspection import Inspection, inspect_source
from tfx_configs import recipes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "your-data.md").read_text(encoding="utf-8")
SHOPS = PAGE.partition("## Three shops")[2].partition("## How much is enough")[0]
SECTIONS = dict(re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", SHOPS, re.MULTILINE | re.DOTALL))
DAYS = 120


def visits(shoppers: int, every_days: int) -> pd.DataFrame:
    """One row a trip: shopper, number of the trip, moment."""
    rows = [
        (shopper, trip, pd.Timestamp("2024-01-01 09:00") + pd.Timedelta(days=day, minutes=shopper))
        for shopper in range(1, shoppers + 1)
        for trip, day in enumerate(range(shopper % every_days, DAYS, every_days))
    ]
    return pd.DataFrame(rows, columns=["shopper", "trip", "moment"])


def groceries(folder: Path) -> None:
    """Every shopper buys the same three products on each trip, and a new one now and then."""
    trips = visits(40, 7)
    lines = pd.concat([trips.assign(sku=1000 + trips["shopper"] % 10 + step) for step in range(3)])
    out = pd.DataFrame(
        {
            "customer": lines["shopper"],
            "sku": lines["sku"],
            "order_no": lines["shopper"] * 1000 + lines["trip"],
            "ordered_at": lines["moment"].dt.strftime("%d.%m.%Y %H:%M"),
            "pieces": 2,
            "unit_price": "1,99 €",
        }
    )
    out.to_csv(folder / "events.csv", sep=";", index=False, encoding="cp1252")
    pd.DataFrame({"sku": range(1000, 1012), "aisle": "dairy"}).to_csv(folder / "items.csv", sep=";", index=False)


def gifts(folder: Path) -> None:
    """Two products an invoice, one of them new; a return, closed days, and guests without an id."""
    trips = visits(40, 11)
    trips = trips[~trips["moment"].between("2024-03-25", "2024-04-02")]
    new = trips.assign(code=[f"{2000 + number}A" for number in range(len(trips))])
    lines = pd.concat([new, trips.assign(code="85123A")])
    out = pd.DataFrame(
        {
            "InvoiceNo": (lines["shopper"] * 1000 + lines["trip"]).astype(str),
            "StockCode": lines["code"],
            "Quantity": 6,
            "InvoiceDate": lines["moment"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "UnitPrice": 2.55,
            "CustomerID": lines["shopper"].astype(float),
        }
    )
    returned = out.iloc[[0]].assign(InvoiceNo="C1", Quantity=-1, InvoiceDate="2024-02-01 10:00:00")
    guests = out.iloc[::5].assign(CustomerID=np.nan)
    pd.concat([out, returned, guests]).to_csv(folder / "events.csv", index=False)
    pd.DataFrame({"StockCode": out["StockCode"].unique(), "kind": "gift"}).to_csv(folder / "items.csv", index=False)


def films(folder: Path) -> None:
    """Every film once a shopper; each third one is disliked."""
    trips = visits(40, 6)
    out = pd.DataFrame(
        {
            "userId": trips["shopper"],
            "movieId": trips["shopper"] % 20 + trips["trip"],
            "watched_at": trips["moment"].astype("datetime64[ms]").astype("int64"),
            "action": np.where(trips["trip"] % 3 == 1, "dislike", "like"),
        }
    )
    out.to_csv(folder / "events.csv", index=False)
    pd.DataFrame({"movieId": range(50), "genre": "drama"}).to_csv(folder / "items.csv", index=False)


def inspected(folder: Path, section: str) -> Inspection:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    shop = inspect_source(recipes.run_settings(config=yaml.safe_load(block), path=str(folder)))
    assert shop.stopped == ""
    return shop


@pytest.mark.parametrize(("section", "export"), zip(SECTIONS, (groceries, gifts, films), strict=True))
def test_the_export_on_the_page_has_the_columns_of_the_shop(
    section: str, export: Callable[[Path], None], tmp_path: Path
) -> None:
    export(tmp_path)
    (block,) = re.findall(r"^```text\n(.*?)\n", SECTIONS[section], re.MULTILINE)
    assert (tmp_path / "events.csv").read_text(encoding="cp1252").splitlines()[0] == block


def test_groceries_are_a_next_basket_with_repeats(tmp_path: Path) -> None:
    groceries(tmp_path)
    shop = inspected(tmp_path, "Groceries, bought again and again")
    assert shop.task and (shop.task.name, shop.task.runs) == ("next_basket", True)
    assert shop.shoppers and shop.shoppers.repeat_percent > 80
    assert shop.report and shop.report.dropped == {}
    (events, _) = shop.report.files
    assert (events.delimiter, events.decimal_mark, events.date_format) == (";", ",", "DD-MM-YYYY")


def test_the_gift_shop_drops_guests_and_takes_returns_back(tmp_path: Path) -> None:
    gifts(tmp_path)
    shop = inspected(tmp_path, "A gift shop with invoices, returns and a closed Christmas")
    assert shop.task and shop.task.runs
    assert shop.report and shop.report.returns == 1
    assert list(shop.report.dropped) == ["user_id missing"]
    assert shop.span and [(gap.first, gap.last) for gap in shop.span.gaps] == [("2024-03-25", "2024-04-01")]


def test_films_are_new_items_and_what_is_disliked_is_no_purchase(tmp_path: Path) -> None:
    films(tmp_path)
    shop = inspected(tmp_path, "Films, each watched once")
    assert shop.task and (shop.task.name, shop.task.runs) == ("next_new_item", True)
    assert shop.shoppers and shop.shoppers.repeat_percent == 0
    assert shop.report and 0 < shop.report.purchases < shop.report.events
    assert shop.report.files[0].time_unit == "milliseconds"
