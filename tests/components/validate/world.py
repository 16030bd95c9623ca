"""A tiny clean shop: 70 days, 60 sales a day, 40 products with steady prices, 50 shoppers, written as ingest writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DAYS, SALES_A_DAY, ITEMS, USERS = 70, 60, 40, 50
FIRST_DAY = pd.Timestamp("2024-01-01")
Frames = dict[str, pd.DataFrame]


def clean_shop(seed: int = 3) -> Frames:
    """events and items; each basket holds three products of one shopper, product i costs 1 + i."""
    rng = np.random.default_rng(seed)
    rows = DAYS * SALES_A_DAY
    basket = np.arange(rows) // 3
    baskets_a_day = SALES_A_DAY // 3
    shopper = rng.permuted(np.tile(np.arange(USERS), (basket.max() // USERS + 1)))[: basket.max() + 1]
    minute = 8 * 60 + rng.integers(0, 12 * 60, basket.max() + 1)
    time = FIRST_DAY + pd.to_timedelta(basket // baskets_a_day * 1440 + minute[basket], unit="min")
    item = (rng.integers(0, ITEMS, basket.max() + 1)[basket] + 13 * (np.arange(rows) % 3)) % ITEMS
    events = pd.DataFrame(
        {
            "user_id": [f"u{u}" for u in shopper[basket]],
            "item_id": [f"i{i}" for i in item],
            "event_time": time,
            "basket_id": [f"b{b}" for b in basket],
            "event_type": "purchase",
            "quantity": 1.0 + (rng.random(rows) < 0.2),
            "price": 1.0 + item,
            "store_id": [f"s{b % 3}" for b in basket],
            "request_id": pd.Series(pd.NA, range(len(basket)), dtype="string"),
        }
    )
    items = pd.DataFrame({"item_id": [f"i{i}" for i in range(ITEMS)], "color": ["red", "blue"] * (ITEMS // 2)})
    return {"events": events, "items": items}


def described(frames: Frames) -> Frames:
    """The shop with more attributes of its items, and with users and promotions."""
    number = frames["items"].index
    groups = {"department": [f"d{i % 5}" for i in number], "shelf": [str(i % 8) for i in number]}
    items = frames["items"].assign(**groups, brand=[f"b{i % 4}" for i in number])
    ages = [f"{10 * (u % 5)}+" for u in range(USERS)]
    users = pd.DataFrame({"user_id": [f"u{u}" for u in range(USERS)], "age": ages})
    begin = FIRST_DAY + pd.to_timedelta(number, unit="D")
    promotions = pd.DataFrame({"item_id": items["item_id"], "store_id": "", "start": begin, "kind": "display"})
    promotions.insert(3, "end", begin + pd.Timedelta(days=7))
    return frames | {"items": items, "users": users, "promotions": promotions}


def ratings(seed: int = 4) -> Frames:
    """MovieLens-shaped, as ingest fills it up: each film once a user, in bursts; no price, store or real basket."""
    rng = np.random.default_rng(seed)
    user, film = (side.ravel() for side in np.meshgrid(np.arange(60), np.arange(50)))
    day = rng.integers(0, 150, 60)[user] + (rng.random(len(user)) < 0.2) * rng.integers(0, 30, len(user))
    time = FIRST_DAY + pd.to_timedelta(day * 1440 + rng.integers(0, 1440, len(user)), unit="min")
    events = pd.DataFrame(
        {
            "user_id": [f"u{u}" for u in user],
            "item_id": [f"film {f}" for f in film],
            "event_time": time,
            "basket_id": [f"u{u}|{d}" for u, d in zip(user, day, strict=True)],
            "event_type": "purchase",
            "quantity": 1.0,
            "price": np.nan,
            "store_id": "",
            "request_id": pd.Series(pd.NA, range(len(user)), dtype="string"),
        }
    )
    return {"events": events, "items": pd.DataFrame({"item_id": [f"film {f}" for f in range(50)], "genre": None})}


def write(frames: Frames, folder: Path) -> Path:
    """Writes the tables under `folder` (events by month) and returns it."""
    for name, frame in frames.items():
        if name != "events":
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet")
            continue
        for month, rows in frame.groupby(frame["event_time"].dt.strftime("%Y-%m")):
            part = folder / "events" / f"month={month}"
            part.mkdir(parents=True, exist_ok=True)
            table = pa.Table.from_pandas(rows, preserve_index=False)
            index = table.schema.get_field_index("event_time")
            table = table.set_column(index, "event_time", table["event_time"].cast(pa.timestamp("us")))
            pq.write_table(table, part / "part-0.parquet")
    return folder
