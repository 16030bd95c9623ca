"""Twelve ways in which data break, each applied to clean events, and the finding that must report it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

Frames = dict[str, pd.DataFrame]
Findings = list[dict[str, str]]
TRUNCATED = "truncated file"


@dataclasses.dataclass(frozen=True)
class Corruption:
    """The finding must name `column`, have the severity and contain `received`; severity None: nothing may stop."""

    name: str
    change: Callable[[pd.DataFrame], pd.DataFrame]
    column: str
    received: str = ""
    severity: str | None = "stop"

    def handled(self, findings: Findings, clean: Findings) -> bool:
        """Whether a finding reports it, and not in the clean data too; or let through, where it does no harm."""
        if self.severity is None:
            return not any(finding["severity"] == "stop" for finding in findings)
        return any(
            (finding["column"], finding["severity"]) == (self.column, self.severity)
            and self.received in finding["received"]
            and finding not in clean
            for finding in findings
        )

    def write(self, frames: Frames, folder: Path) -> Path:
        """Writes the tables with their events broken; a truncated file loses its second half."""
        write(frames | {"events": self.change(frames["events"])}, folder)
        if self.name == TRUNCATED:
            part = max(folder.glob("events/*/*.parquet"))
            part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
        return folder


def write(frames: Frames, folder: Path) -> Path:
    """Writes tables as ingest does, the events by month; returns the folder."""
    for name, frame in frames.items():
        months = frame["event_time"].dt.strftime("%Y-%m") if name == "events" else None
        parts = {f"{name}.parquet": frame}
        if months is not None:
            parts = {f"events/month={month}/part-0.parquet": rows for month, rows in frame.groupby(months)}
        for path, rows in parts.items():
            table = pa.Table.from_pandas(rows, preserve_index=False)
            if "event_time" in table.column_names:
                time = table["event_time"].cast(pa.timestamp("us"))
                table = table.set_column(table.column_names.index("event_time"), "event_time", time)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, folder / path)
    return folder


def _day(events: pd.DataFrame) -> pd.Series:
    """[rows] days before the last one, 0 on it."""
    days = events["event_time"].dt.normalize()
    return (days.max() - days).dt.days


def _set(events: pd.DataFrame, column: str, rows: pd.Series, values: object) -> pd.DataFrame:
    return events.assign(**{column: events[column].mask(rows, values)})


def _some(events: pd.DataFrame, share: float) -> np.ndarray:
    return np.random.default_rng(11).random(len(events)) < share


def _future(events: pd.DataFrame) -> pd.DataFrame:
    rows = pd.Series(_some(events, 0.01), events.index)
    return _set(events, "event_time", rows, pd.Timestamp("2099-01-01"))


def _shuffled(events: pd.DataFrame) -> pd.DataFrame:
    rows, out = _day(events) < 14, events.copy()
    out.loc[rows, "item_id"] = np.random.default_rng(5).permutation(events.loc[rows, "item_id"].to_numpy())
    return out


CHANGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "type change": lambda e: e.assign(price=e["price"].map("{:.2f}".format)),
    "new category": lambda e: _set(e, "event_type", _day(e) < 7, "purchse"),
    "vanished column": lambda e: e.drop(columns="store_id"),
    "unit change x100": lambda e: _set(e, "quantity", _day(e) < 14, e["quantity"] * 100),
    "null flood": lambda e: _set(e, "price", _day(e).between(7, 13) & _some(e, 0.8), np.nan),
    "duplicated day": lambda e: pd.concat([e, e[_day(e) == 10]], ignore_index=True),
    "missing day": lambda e: e[_day(e) != 10],
    "shuffled ids": _shuffled,
    "price in cents": lambda e: _set(e, "price", _day(e) < 7, e["price"] * 100),
    "future timestamps": _future,
    TRUNCATED: lambda e: e,
    "schema reorder": lambda e: e[list(reversed(e.columns))],
}
CORRUPTIONS = tuple(
    Corruption(change=CHANGES[row["name"]], **row)
    for row in yaml.safe_load(Path(__file__).with_name("corruptions.yaml").read_text())
)
