"""Which plain check runs on what: each only where the columns that it needs are sound."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from components.artifacts.validation import Finding
from components.validate import time_checks, value_checks
from components.validate.load_tables import Loaded
from model.data import columns as c
from model.data import schema
from tfx_configs.validation import ValidationSettings


def missing_columns(loaded: Loaded) -> list[Finding]:
    """Canonical columns that may be empty yet must exist; TFDV reports the others."""
    return [
        Finding(
            table=loaded.table.name,
            column=column.name,
            check="missing_column",
            severity="stop",
            expected=f"a column of type {column.type}",
            received=f"no such column among {', '.join(loaded.types)}",
            what_to_do="restore the column in the source, or map it in ingest",
        )
        for column in loaded.table.columns
        if column.nullable and column.name not in loaded.types
    ]


def find(
    tables: Mapping[str, Loaded], broken: Iterable[Finding], settings: ValidationSettings, now_s: float
) -> list[Finding]:
    """Runs every check whose columns are all there and not among the `broken` ones (the stops found so far)."""
    unsound = {(f.table, f.column) for f in broken if f.severity == "stop"}
    out: list[Finding] = []

    def run(check: Callable[[], list[Finding]], needed: Mapping[str, Iterable[str]]) -> None:
        sound = all(
            name in tables and column in tables[name].frame and (name, column) not in unsound
            for name, columns in needed.items()
            for column in columns
        )
        if sound:
            out.extend(check())

    for name, loaded in tables.items():
        if loaded.stride == 1:
            keys = {name: loaded.table.key}
            run(partial(value_checks.duplicate_keys, loaded.table, loaded.frame, settings), keys)
    if "events" not in tables:
        return out
    events, partitions = tables["events"].frame, tables["events"].partitions
    time = {"events": (c.TIME,)}
    run(lambda: time_checks.in_time(events, now_s), time)
    if partitions is not None:
        run(lambda: time_checks.in_partition(events, partitions), time)
    run(lambda: time_checks.every_day(events, settings), time)
    run(lambda: time_checks.volume(events, settings), time)
    run(lambda: time_checks.copied_day(events), {"events": (c.TIME, c.USER, c.ITEM)})
    run(lambda: time_checks.doubled_day(events), {"events": (c.TIME, c.QUANTITY)})
    run(
        lambda: value_checks.known_items(events, tables["items"].frame, settings),
        {"events": (c.ITEM,), "items": (c.ITEM,)},
    )
    run(lambda: value_checks.known_users(events, tables["users"].frame), {"events": (c.USER,), "users": (c.USER,)})
    run(lambda: value_checks.one_shopper_a_basket(events, settings), {"events": (c.USER, c.BASKET)})
    run(lambda: value_checks.item_prices(events), {"events": (c.TIME, c.ITEM, c.PRICE)})
    for column in (c.PRICE, c.QUANTITY):
        run(partial(value_checks.scale, events, column, settings), {"events": (c.TIME, column)})
    nullable = [column.name for column in schema.EVENTS.columns if column.nullable and column.name in events]
    run(lambda: value_checks.null_jump(events, nullable, settings), time)
    return out
