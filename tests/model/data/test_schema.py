"""One schema, many forms: canonical tables, TFDV, what ingest writes, what a request holds, the docs. They agree."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.ingest.run import ingest
from components.validate import schemas
from model.api import Coded, Request
from model.data import columns as c
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, TABLES, USERS, Column, Table, Type
from model.serving.v2_inputs import INPUTS, Query
from pipelines.reference import schema_page as schema_docs
from tests.worlds import market, run_settings, write

INPUT = {tensor.name: tensor for tensor in INPUTS}
DERIVED = {"hour": "request_time", "weekday": "request_time", "log_price": "", "log_quantity": ""}
"""Columns that validation adds to events, and the input that carries each."""
COLUMNS = [(table, column) for table in TABLES for column in table.columns]


def feature(table: Table, name: str) -> Any:
    return next(feature for feature in schemas.read(table).feature if feature.name == name)


def named(value: Any) -> str:
    return value.name if isinstance(value, Table | Column) else ""


@pytest.mark.parametrize("table", TABLES, ids=named)
def test_the_checked_in_tfdv_schema_has_the_canonical_columns_in_their_order(table: Table) -> None:
    names = [feature.name for feature in schemas.read(table).feature]
    assert names == [*table.names, *(DERIVED if table is EVENTS else ())]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=named)
def test_the_checked_in_tfdv_schema_agrees_with_the_canonical_one_on_every_column(table: Table, column: Column) -> None:
    there = feature(table, column.name)
    is_text = column.type in (Type.ID, Type.CATEGORY)
    assert there.type == (schemas.schema_pb2.BYTES if is_text else schemas.schema_pb2.FLOAT)
    assert there.presence.min_fraction == (0.0 if column.nullable else 1.0)
    domain = next((d for d in schemas.read(table).string_domain if d.name == there.domain), None)
    assert (tuple(domain.value) if domain else ()) == column.domain
    assert (there.float_domain.min if there.HasField("float_domain") else None) == column.low
    assert there.annotation.comment == [f"{column.doc} [{column.unit}]" if column.unit else column.doc]


def test_the_serving_environment_has_exactly_the_columns_of_a_request() -> None:
    """TRAINING has every column."""
    carried = {column.name: column.request for column in EVENTS.columns} | DERIVED
    schema = schemas.read(EVENTS)
    assert set(schema.default_environment) == {schemas.TRAINING, schemas.SERVING}
    for name, request in carried.items():
        assert list(feature(EVENTS, name).not_in_environment) == ([] if request else [schemas.SERVING]), name


def test_every_column_of_a_request_is_an_input_of_the_model_server() -> None:
    carried = {column.request: column for column in EVENTS.columns if column.request}
    assert set(carried) == {"user_id", "request_time", "store_id"}
    for name, column in carried.items():
        assert (INPUT[name].datatype, INPUT[name].size) == ("BYTES", 1), column.name
    assert INPUT["user_id"].required and EVENTS.column(c.USER).required
    assert Query(user_id="u", time_s=0).store_id == EVENTS.column(c.STORE).default


def test_the_other_inputs_are_lists_of_items_and_what_the_answer_is_to_be_like() -> None:
    others = set(INPUT) - {column.request for column in EVENTS.columns}
    assert {name: (INPUT[name].datatype, INPUT[name].size) for name in others} == {
        "k": ("INT32", 1),
        "k_new": ("INT32", 1),
        "exclude": ("BYTES", -1),
        "within": ("BYTES", -1),
        "new_only": ("BOOL", 1),
        "recent_items": ("BYTES", -1),
        "recent_stores": ("BYTES", -1),
        "recent_quantities": ("FP32", -1),
        "recent_prices": ("FP32", -1),
    }


def test_a_model_reads_the_same_columns() -> None:
    """One value or a list of them; the other fields are what the answer is to be like."""
    types: dict[Type, tuple[Any, Any]] = {Type.ID: (str, Sequence[str]), Type.TIME: (int, np.ndarray)}
    reads = {"user_id": c.USER, "store_id": c.STORE, "time_s": c.TIME, "history_item": c.ITEM, "history_time": c.TIME}
    details = {"history_store": c.STORE, "history_quantity": c.QUANTITY, "history_price": c.PRICE}
    fields = {field.name: field.type for field in dataclasses.fields(Request)}
    assert fields["attributes"] == Sequence[tuple[str, str]]  # those of the users table, which names none of them
    assert set(fields) - set(reads) - set(details) - {"attributes"} == {
        "k",
        "k_new",
        "exclude",
        "within",
        "new_only",
        "detail",
    }
    for name, column in details.items():
        of_type = {Type.ID: Coded | None, Type.NUMBER: np.ndarray | None}
        assert fields[name] == of_type[EVENTS.column(column).type] and not EVENTS.column(column).required, name
    for name, column in reads.items():
        assert fields[name] == types[EVENTS.column(column).type][name.startswith("history")], name


STORED = {Type.ID: "string", Type.CATEGORY: "string", Type.NUMBER: "double", Type.TIME: "timestamp[us]"}


def written(folder: Path, **tables: pd.DataFrame) -> Path:
    """What ingest makes of the tables."""
    ingest(data=run_settings(write(folder / "in", **tables)).data, tables_dir=folder / "out")
    return folder / "out"


def types(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    return {field.name: str(field.type).replace("large_", "") for field in pq.read_schema(files[0])}


def required(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with their required columns only."""
    of = {table.name: [column.name for column in table.columns if column.required] for table in TABLES}
    return {name: frame[of[name]] for name, frame in tables.items()}


@pytest.mark.parametrize("only_required", [True, False])
def test_ingest_writes_the_canonical_columns_in_their_stored_types(tmp_path: Path, only_required: bool) -> None:
    tables = required(market()) if only_required else market()
    out = written(tmp_path, **tables)
    assert types(out / "events") == {column.name: STORED[column.type] for column in EVENTS.columns}
    for table in (ITEMS, USERS, PROMOTIONS):
        attributes = [name for name in tables[table.name].columns if table.open and name not in table.names]
        expected = {column.name: STORED[column.type] for column in table.columns}
        assert types(out / f"{table.name}.parquet") == expected | dict.fromkeys(attributes, "string")


def test_an_absent_column_gets_its_default(tmp_path: Path) -> None:
    out = written(tmp_path, **required(market()))
    for table, frame in (
        (EVENTS, pd.read_parquet(out / "events")),
        (PROMOTIONS, pd.read_parquet(out / "promotions.parquet")),
    ):
        for column in table.columns:
            if not column.required and column.name != c.BASKET:
                expected = {column.default} if column.default is not None else set()
                assert set(frame[column.name].dropna()) == expected, column.name


def test_the_page_agrees_with_the_code() -> None:
    assert schema_docs.PAGE.read_text(encoding="utf-8") == schema_docs.page(), "run: python -m pipelines.reference"


CHANGES: list[dict[str, Any]] = [
    {"name": "renamed"},
    {"type": Type.ID},
    {"unit": "pounds"},
    {"nullable": True},
    {"low": 1.0},
    {"high": 9.0},
    {"domain": ("sold",)},
    {"request": "k"},
    {"doc": "Something else."},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_column_is_noticed_in_the_tfdv_schema_and_on_the_page(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    quantity = EVENTS.column(c.QUANTITY)
    changed = tuple(dataclasses.replace(o, **change) if o is quantity else o for o in EVENTS.columns)
    events = dataclasses.replace(EVENTS, columns=changed)
    monkeypatch.setattr("model.data.schema.EVENTS", events)
    monkeypatch.setattr("model.data.schema.TABLES", (events, *TABLES[1:]))
    assert schemas.derive(events) != schemas.read(events)
    assert schema_docs.PAGE.read_text(encoding="utf-8") != schema_docs.page()
