"""Ingest and trips of The Complete Journey in pandas: a manual program for this source alone.

Reads only the columns it needs, groups by integer ids, and turns ids into text last. Its rows equal those of the
engines (benchmarks/data/__main__.py checks it). It writes no report and checks nothing.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from components.ingest.completejourney import ATTRIBUTES, DEMOGRAPHICS, DISPLAY, MAILER, WEEK_2_START_S, WEEK_S
from model.data import columns as c
from model.data.time_split import cut_seconds
from model.data.trips import Trips
from tfx_configs.settings import DataSettings

LINE = ["household_id", "basket_id", "product_id"]
STRETCH = ["product_id", "store_id", "kind"]
_SECONDS = 1 << 34  # above any unix time: (user, time) pairs pack into one sortable int64


def ingest(source: Path, tables: Path) -> None:
    """Writes the four canonical tables into `tables`."""
    tables.mkdir(parents=True)
    products = pd.read_parquet(source / "products.parquet")
    _events(source, products).to_parquet(tables / "events", partition_cols=["month"], index=False)
    _texts(products, "product_id", c.ITEM, ATTRIBUTES).to_parquet(tables / "items.parquet", index=False)
    demographics = pd.read_parquet(source / "demographics.parquet")
    _texts(demographics, "household_id", c.USER, DEMOGRAPHICS).to_parquet(tables / "users.parquet", index=False)
    _promotions(source).to_parquet(tables / "promotions.parquet", index=False)


def trips(tables: Path, data: DataSettings, max_history: int) -> Trips:
    """Trips of the written tables."""
    items = pd.read_parquet(tables / "items.parquet", columns=[c.ITEM])
    columns = [c.USER, c.ITEM, c.TIME, c.BASKET, c.STORE, c.QUANTITY, c.PRICE]
    events = pd.read_parquet(tables / "events", columns=columns)
    item_ids = np.sort(pd.unique(pd.concat([items[c.ITEM], events[c.ITEM]])))
    item_E = pd.Index(item_ids).get_indexer(pd.Index(events[c.ITEM]))
    user_E, user_ids = pd.factorize(events[c.USER], sort=True)
    basket_E, _ = pd.factorize(events[c.BASKET], sort=True)
    store_ids = pd.Index(["", *np.sort(events[c.STORE].unique())], dtype=object)
    store_E = store_ids.get_indexer(pd.Index(events[c.STORE]))
    time_E = events[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    quantity_E, price_E = (events[name].to_numpy(np.float32) for name in (c.QUANTITY, c.PRICE))
    del events

    order = np.lexsort((item_E, basket_E, time_E, user_E))
    user_E, store_E, item_E, time_E, basket_E = (a[order] for a in (user_E, store_E, item_E, time_E, basket_E))
    quantity_E, price_E = quantity_E[order], price_E[order]
    pair_E = user_E.astype(np.int64) * (int(basket_E.max()) + 1) + basket_E
    _, first_T, trip_E = np.unique(pair_E, return_index=True, return_inverse=True)
    by_time = np.lexsort((basket_E[first_T], user_E[first_T], time_E[first_T]))
    place_T = np.empty_like(by_time)
    place_T[by_time] = np.arange(len(by_time))
    trip_E, first_T = place_T[trip_E], first_T[by_time]
    user_T, time_T = user_E[first_T], time_E[first_T]

    moment_E = user_E.astype(np.int64) * _SECONDS + time_E
    end_T = np.searchsorted(moment_E, user_T.astype(np.int64) * _SECONDS + time_T, side="left")
    begin_T = np.maximum(np.searchsorted(user_E, user_T, side="left"), end_T - max_history)
    entries = np.unique(trip_E.astype(np.int64) * len(item_ids) + item_E)
    trip_B, every = entries // len(item_ids), np.arange(len(first_T))
    return Trips(
        item_ids=item_ids,
        user_ids=np.asarray(user_ids, object),
        store_ids=np.asarray(store_ids, object),
        event_item_E=item_E.astype(np.int32),
        event_time_E=time_E,
        event_user_E=user_E.astype(np.int32),
        event_store_E=store_E.astype(np.int32),
        event_quantity_E=quantity_E,
        event_price_E=price_E,
        user_T=user_T.astype(np.int32),
        time_T=time_T,
        store_T=store_E[first_T].astype(np.int32),
        history_begin_T=begin_T,
        history_end_T=end_T,
        basket_begin_T=np.searchsorted(trip_B, every, side="left"),
        basket_end_T=np.searchsorted(trip_B, every, side="right"),
        basket_item_B=(entries % len(item_ids)).astype(np.int32),
        cut_s=cut_seconds(int(time_E.min()), int(time_E.max()), data),
    )


def _events(source: Path, products: pd.DataFrame) -> pd.DataFrame:
    columns = [*LINE, "store_id", "quantity", "sales_value", "transaction_timestamp"]
    lines = pd.read_parquet(source / "transactions.parquet", columns=columns)
    fuel = (products["department"] == "FUEL") | products["product_type"].fillna("").str.startswith("GASOLINE")
    bought = lines[~lines["product_id"].isin(products.loc[fuel, "product_id"]) & (lines["quantity"] > 0)]
    merged = bought.groupby(LINE, as_index=False, sort=False).agg(
        time=("transaction_timestamp", "min"),
        quantity=("quantity", "sum"),
        paid=("sales_value", "sum"),
        store_id=("store_id", "min"),
    )
    merged = merged.sort_values(["time", *LINE])
    return pd.DataFrame(
        {
            c.USER: _text(merged["household_id"]),
            c.ITEM: _text(merged["product_id"]),
            c.TIME: merged["time"].dt.floor("us"),
            c.BASKET: _text(merged["basket_id"]),
            c.EVENT_TYPE: c.PURCHASE,
            c.QUANTITY: merged["quantity"].astype(float),
            c.PRICE: (merged["paid"] / merged["quantity"]).round(6),
            c.STORE: _text(merged["store_id"]),
            "month": merged["time"].dt.strftime("%Y-%m"),
        }
    )


def _text(ids: pd.Series) -> np.ndarray:
    """Ids as text, each distinct one made once."""
    codes, distinct = pd.factorize(ids)
    return np.asarray(distinct.astype(str), object)[codes]


def _texts(rows: pd.DataFrame, key: str, name: str, others: tuple[str, ...]) -> pd.DataFrame:
    wanted = rows[[key, *others]].rename(columns={key: name}).drop_duplicates(name)
    return wanted.astype(dict.fromkeys([name, *(o for o in others if wanted[o].dtype != object)], str))


def _promotions(source: Path) -> pd.DataFrame:
    """Weeks that follow each other in one stretch, one kind a row."""
    names = sorted({*DISPLAY.values(), *MAILER.values()})
    parts = [_weeks(source, "display_location", DISPLAY, names), _weeks(source, "mailer_location", MAILER, names)]
    rows = pd.concat(parts, ignore_index=True)
    del parts
    rows = rows.drop_duplicates().sort_values([*STRETCH, "week"], ignore_index=True)
    follows = np.diff(rows["week"].to_numpy()) == 1
    for values in (rows["product_id"].to_numpy(), rows["store_id"].to_numpy(), rows["kind"].cat.codes.to_numpy()):
        follows &= values[1:] == values[:-1]
    stretches, last = rows[np.r_[True, ~follows]], rows["week"].to_numpy()[np.r_[~follows, True]]
    del rows
    return pd.DataFrame(
        {
            c.ITEM: _text(stretches["product_id"]),
            c.STORE: _text(stretches["store_id"]),
            c.START: _week_start(stretches["week"].to_numpy()),
            c.END: _week_start(last + 1),
            c.KIND: stretches["kind"].astype(str),
        }
    )


def _weeks(source: Path, location: str, kinds: dict[str, str], names: list[str]) -> pd.DataFrame:
    rows = pd.read_parquet(source / "promotions.parquet", columns=["product_id", "store_id", "week", location])
    kind = rows.pop(location).map(kinds).astype(pd.CategoricalDtype(names))
    return rows.assign(kind=kind)[kind.notna()]


def _week_start(week: np.ndarray) -> np.ndarray:
    return (WEEK_2_START_S + (week - 2) * WEEK_S).astype("datetime64[s]").astype("datetime64[us]")
