"""Twelve ways in which data break, each applied to clean tables, with what validation must report about it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.components.validate.world import Frames, write


@dataclasses.dataclass(frozen=True, kw_only=True)
class Corruption:
    """`change` takes clean events and gives broken ones; the finding must name `column` and contain `received`."""

    name: str
    change: Callable[[pd.DataFrame], pd.DataFrame]
    column: str
    severity: str | None = "stop"
    """None: must pass without a finding that stops."""
    received: str = ""


def _last_days(events: pd.DataFrame, days: int) -> pd.Series:
    return events["event_time"] >= events["event_time"].max().normalize() - pd.Timedelta(days=days - 1)


def _day(events: pd.DataFrame, before_last: int) -> pd.Series:
    return events["event_time"].dt.normalize() == events["event_time"].max().normalize() - pd.Timedelta(
        days=before_last
    )


def _where(events: pd.DataFrame, column: str, rows: pd.Series, values: Any) -> pd.DataFrame:
    return events.assign(**{column: events[column].mask(rows, values)})


def _some(events: pd.DataFrame, share: float) -> np.ndarray:
    return np.random.default_rng(11).random(len(events)) < share


def _null_week(events: pd.DataFrame) -> pd.DataFrame:
    return _where(events, "price", _last_days(events, 14) & ~_last_days(events, 7) & _some(events, 0.8), np.nan)


def _copy_day(events: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([events, events[_day(events, 10)]], ignore_index=True)


def _shuffle_items(events: pd.DataFrame) -> pd.DataFrame:
    rows = _last_days(events, 14)
    shuffled = np.random.default_rng(5).permutation(events.loc[rows, "item_id"].to_numpy())
    out = events.copy()
    out.loc[rows, "item_id"] = shuffled
    return out


def _future(events: pd.DataFrame) -> pd.DataFrame:
    return _where(events, "event_time", pd.Series(_some(events, 0.01), events.index), pd.Timestamp("2099-01-01"))


CORRUPTIONS = (
    Corruption(
        name="type change",
        change=lambda e: e.assign(price=e["price"].map("{:.2f}".format)),
        column="price",
        received="string",
    ),
    Corruption(
        name="new category",
        change=lambda e: _where(e, "event_type", _last_days(e, 7), "purchse"),
        column="event_type",
        received="purchse",
    ),
    Corruption(
        name="vanished column",
        change=lambda e: e.drop(columns="store_id"),
        column="store_id",
        received="no such column",
    ),
    Corruption(
        name="unit change x100",
        change=lambda e: _where(e, "quantity", _last_days(e, 14), e["quantity"] * 100),
        column="quantity",
        received="x100",
    ),
    Corruption(name="null flood", change=_null_week, column="price", received="% in the week of"),
    Corruption(
        name="duplicated day", change=_copy_day, column="user_id+basket_id+item_id+event_type", received="most on"
    ),
    Corruption(
        name="missing day", change=lambda e: e[~_day(e, 10)], column="event_time", severity="warn", received="none on"
    ),
    Corruption(name="shuffled ids", change=_shuffle_items, column="item_id", received="in the week of"),
    Corruption(
        name="price in cents",
        change=lambda e: _where(e, "price", _last_days(e, 7), e["price"] * 100),
        column="price",
        received="(x",
    ),
    Corruption(name="future timestamps", change=_future, column="event_time", received="2099-01-01"),
    Corruption(name="truncated file", change=lambda e: e, column="(file)"),
    Corruption(name="schema reorder", change=lambda e: e[list(reversed(e.columns))], column="", severity=None),
)


def _remapped(events: pd.DataFrame, column: str) -> pd.DataFrame:
    ids = np.sort(events[column].unique())
    return events.assign(
        **{column: events[column].map(dict(zip(ids, np.random.default_rng(9).permutation(ids), strict=True)))}
    )


SINCE_REFERENCE = (
    Corruption(
        name="all prices in cents",
        change=lambda e: e.assign(price=e["price"] * 100),
        column="price",
        received="(x100)",
    ),
    Corruption(
        name="all item ids shuffled",
        change=lambda e: e.assign(item_id=np.random.default_rng(8).permutation(e["item_id"].to_numpy())),
        column="item_id",
        received="a distance of",
    ),
    Corruption(
        name="all item ids remapped",
        change=lambda e: _remapped(e, "item_id"),
        column="item_id",
        received="a distance of",
    ),
    Corruption(
        name="all user ids renamed",
        change=lambda e: e.assign(user_id="card-" + e["user_id"]),
        column="user_id",
        received="100.0 % of events with other ids, such as 'card-u0'",
    ),
    Corruption(
        name="all quantities in grams",
        change=lambda e: e.assign(quantity=e["quantity"] * 500),
        column="log_quantity",
        received="1.000",
    ),
    Corruption(
        name="a store gone",
        change=lambda e: e[e["store_id"] != "s2"],
        column="store_id",
        severity="warn",
        received="0.3",
    ),
    Corruption(
        name="volume halved",
        change=lambda e: e[e["basket_id"].str.slice(1).astype(int) % 2 == 0],
        column="event_time",
        severity="warn",
        received="x0.50",
    ),
    Corruption(
        name="a twentieth of the feed",
        change=lambda e: e[e["basket_id"].str.slice(1).astype(int) % 20 == 0],
        column="event_time",
        received="x0.05",
    ),
)
"""Wrong from the first day on: within the span nothing is odd, only an earlier span shows it."""


def write_corrupted(corruption: Corruption, frames: Frames, folder: Path) -> Path:
    """Writes the tables with their events corrupted; a truncated file loses its second half."""
    write(frames | {"events": corruption.change(frames["events"])}, folder)
    if corruption.name == "truncated file":
        part = max(folder.glob("events/*/*.parquet"))
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    return folder


def matching(
    corruption: Corruption, anomalies: list[dict[str, str]], clean: list[dict[str, str]]
) -> list[dict[str, str]]:
    """The findings that catch the corruption: its severity, column and words; none of them is in the clean data."""
    return [
        a
        for a in anomalies
        if a["column"] == corruption.column
        and a["severity"] == corruption.severity
        and corruption.received in a["received"]
        and a not in clean
    ]


def handled(corruption: Corruption, anomalies: list[dict[str, str]], clean: list[dict[str, str]]) -> bool:
    """Caught, or, for a harmless change, let through."""
    if corruption.severity is None:
        return not any(a["severity"] == "stop" for a in anomalies)
    return bool(matching(corruption, anomalies, clean))
