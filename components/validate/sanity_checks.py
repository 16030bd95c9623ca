"""Which plain check runs on what: each only where the columns that it needs are sound."""

from collections.abc import Iterable, Mapping
from functools import partial

import pandas as pd

from components.artifacts.validation import Finding
from components.validate import gaps, time_checks, value_checks
from components.validate.findings import finding
from components.validate.load_tables import Loaded
from model.data import columns as c
from model.data import schema
from model.data.time_split import cut_seconds
from tfx_configs.settings import DataSettings
from tfx_configs.validation import ValidationSettings


def missing_columns(loaded: Loaded) -> list[Finding]:
    """Canonical columns that may be empty yet must exist; TFDV reports the others."""
    table, present = loaded.table, ", ".join(loaded.types)
    return [
        finding("missing_column", column.name, table=table.name, type=column.type, columns=present)
        for column in table.columns
        if column.nullable and column.name not in loaded.types
    ]


def find(
    tables: Mapping[str, Loaded],
    broken: Iterable[Finding],
    settings: ValidationSettings,
    now_s: float,
    data: DataSettings,
) -> list[Finding]:
    """Runs every check whose columns are all there and not among the `broken` ones (the stops so far).

    Raises InputError when the cut date lies outside the events.
    """
    unsound = {(stop.table, stop.column) for stop in broken if stop.severity == "stop"}

    def sound(name: str, *columns: str) -> bool:
        return name in tables and all(
            column in tables[name].frame and (name, column) not in unsound for column in columns
        )

    out: list[Finding] = []
    for name, loaded in tables.items():
        if sound(name, *loaded.table.key):
            out += value_checks.duplicate_keys(loaded, settings)
    if "events" not in tables:
        return out
    events, partitions = tables["events"].frame, tables["events"].partitions
    timed, of_events = sound("events", c.TIME), partial(sound, "events")
    if timed:
        untimely = time_checks.in_time(events, now_s)
        out += untimely or gaps.find(events, settings, _cut(events, data))
        out += time_checks.in_partition(events, partitions) if partitions is not None else []
        out += time_checks.volume(events, settings)
        out += [] if untimely else time_checks.shifted_hours(events)
    if timed and of_events(c.USER, c.ITEM):
        out += time_checks.copied_day(events)
    if timed and of_events(c.QUANTITY):
        out += time_checks.doubled_day(events)
    if of_events(c.ITEM) and sound("items", c.ITEM):
        out += value_checks.known_items(events, tables["items"].frame, settings)
    if of_events(c.USER) and sound("users", c.USER):
        out += value_checks.known_users(events, tables["users"].frame)
    if sound("promotions", c.ITEM) and sound("items", c.ITEM):
        out += value_checks.promoted_items(tables["promotions"].frame, tables["items"].frame)
    if timed and of_events(c.EVENT_TYPE):
        out += value_checks.type_jump(events, settings)
    if of_events(c.USER, c.BASKET):
        out += value_checks.one_shopper_a_basket(events, settings)
    if timed and of_events(c.ITEM, c.PRICE):
        out += value_checks.item_prices(events)
    for column in (c.PRICE, c.QUANTITY):
        if timed and of_events(column):
            out += value_checks.scale(events, column, settings)
    if timed:
        nullable = [column.name for column in schema.EVENTS.columns if column.nullable and column.name in events]
        out += value_checks.null_jump(events, nullable, settings)
    return out


def _cut(events: pd.DataFrame, data: DataSettings) -> int:
    return cut_seconds(int(events[c.TIME].min()), int(events[c.TIME].max()), data)
