"""Small deterministic worlds for the tests: canonical tables as data frames, and as files in a directory.

Day 0 is Monday 2020-01-06, 00:00 UTC; moments are given in days since then.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from model.data import columns as c
from tfx_configs import recipes
from tfx_configs.settings import RunSettings

DAY_0 = pd.Timestamp("2020-01-06")
CUT_DAY = 98
"""The market's cut: 14 of its 16 weeks are before it."""
CUT = DAY_0 + pd.Timedelta(days=CUT_DAY)
EVENTS = (c.USER, c.ITEM, c.TIME, c.BASKET, c.STORE, c.PRICE)


def at(day: float) -> pd.Timestamp:
    """The moment `day` days after day 0."""
    return DAY_0 + pd.Timedelta(days=day)


def seconds(day: float) -> int:
    """The same as unix seconds."""
    return int(at(day).timestamp())


def purchases(*trips: tuple[str, float, str]) -> pd.DataFrame:
    """Events from (user, day, "item item ..."): each a basket of its own, in store s1, every price 1."""
    rows = [
        (user, item, at(day), f"{user}-{number}", "s1", 1.0)
        for number, (user, day, items) in enumerate(trips)
        for item in items.split()
    ]
    return pd.DataFrame(rows, columns=list(EVENTS))


def market(shoppers: int = 30, items: int = 40, weeks: int = 16) -> dict[str, pd.DataFrame]:
    """Events, items, users and promotions: weekly trips, each shopper mostly buying a few favourites."""
    rng = np.random.default_rng(11)
    ids = np.array([f"i{i:02d}" for i in range(items)])
    rows: list[tuple] = []
    for shopper in range(shoppers):
        favourites = rng.choice(items, 6, replace=False)
        for week in range(weeks):
            moment = at(7 * week + shopper % 7) + pd.Timedelta(hours=9 + shopper % 10)
            bought = np.union1d(rng.choice(favourites, 3, replace=False), rng.choice(items, 1))
            rows += [
                (f"u{shopper:02d}", ids[i], moment, f"b{shopper:02d}-{week:02d}", f"s{shopper % 2}", 1.0 + i)
                for i in bought
            ]
    number = np.arange(items)
    return {
        "events": pd.DataFrame(rows, columns=list(EVENTS)),
        "items": pd.DataFrame({c.ITEM: ids, "department": [f"d{i % 4}" for i in number], "brand": number % 10}),
        "users": pd.DataFrame(
            {
                c.USER: [f"u{i:02d}" for i in range(0, shoppers, 2)],
                "age": [str(20 + i % 3 * 20) for i in range(0, shoppers, 2)],
            }
        ),
        "promotions": pd.DataFrame(
            {c.ITEM: ids[:4], c.STORE: ["s0", "s1", "", "s0"], c.START: at(90), c.END: at(105), c.KIND: "mailer"}
        ),
    }


def write(folder: Path, **tables: pd.DataFrame) -> Path:
    """Writes each table as NAME.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def run_settings(folder: Path, **data: Any) -> RunSettings:
    """The fast recipe on the tables in `folder`, cut at CUT, of any number of trips; some data settings changed."""
    run = recipes.fast(str(folder), str(CUT.date()))
    return run.replace(data=run.data.replace(**data), labels=run.labels.replace(min_judged_trips=0))
