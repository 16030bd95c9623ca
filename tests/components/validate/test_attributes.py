"""Attributes within a run and against the blessed run, on a table of 60 products with known changes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.validation import Finding, Validation
from components.validate import attribute_changes, attributes
from components.validate.load_tables import Loaded
from model.data import schema
from tfx_configs.overrides import assigned
from tfx_configs.settings import RunSettings, Start
from tfx_configs.validation import ValidationSettings

SETTINGS = ValidationSettings()
ROWS = 60


def items() -> pd.DataFrame:
    """Product i: department d(i mod 6), size 12, 24, 36 or 48, a title of its own."""
    return pd.DataFrame(
        {
            "item_id": [f"i{i}" for i in range(ROWS)],
            "department": [f"d{i % 6}" for i in range(ROWS)],
            "size": [str(12 * (1 + i % 4)) for i in range(ROWS)],
            "title": [f"product {i}" for i in range(ROWS)],
        }
    )


def loaded(frame: pd.DataFrame, table: schema.Table = schema.ITEMS, kind: str = "string") -> dict[str, Loaded]:
    types = dict.fromkeys(frame.columns, kind)
    return {table.name: Loaded(table=table, frame=frame, types=types, rows=len(frame), stride=1)}


def changes(
    before: dict[str, Loaded], after: dict[str, Loaded], folder: Path, start: Start = "scratch"
) -> list[Finding]:
    """What is reported of `after` when `before` was blessed."""
    reference = Validation(folder)
    attribute_changes.write(before, reference)
    return attribute_changes.find(after, reference, SETTINGS, start)


def shuffled(values: pd.Series) -> pd.Series:
    return pd.Series(np.random.default_rng(5).permutation(values.to_numpy()), values.index)


def odd(values: pd.Series, change: Callable[[pd.Series], pd.Series | None]) -> pd.Series:
    """The values with every second product of each group of 12 changed, so that all values are met."""
    return values.where(values.index // 12 % 2 == 0, change(values))


CHANGES: dict[str, tuple[str, Callable[[pd.Series], pd.Series | None], str, str, str]] = {
    "missing in all": ("department", lambda v: None, "reference_missing", "stop", "none for 100.0 % of them"),
    "missing in half": (
        "department",
        lambda v: odd(v, lambda v: v.where(v.isna())),
        "reference_missing",
        "stop",
        "none for 40.0 % of them any more, such as 'i12': 'd0' -> missing",
    ),
    "shuffled": ("department", shuffled, "reference_pairing", "stop", "(values of other rows)"),
    "upper-cased": (
        "department",
        lambda v: v.str.upper(),
        "reference_values",
        "warn",
        "100.0 % of them, such as 'i0': 'd0' -> 'D0' (they differ in case or spaces only)",
    ),
    "upper-cased in half": (
        "department",
        lambda v: odd(v, lambda v: v.str.upper()),
        "reference_pairing",
        "stop",
        "40.0 % of them in other groups, such as 'i12': 'd0' -> 'D0' (they differ in case or spaces only)",
    ),
    "12 as 12.0": (
        "size",
        lambda v: v + ".0",
        "reference_values",
        "warn",
        "'12' -> '12.0' (the same numbers in another notation)",
    ),
    "new vocabulary": ("department", lambda v: v.map("dep-{}".format), "reference_values", "warn", "did not have"),
    "other groups": (
        "department",
        lambda v: pd.Series([f"x{i % 5}" for i in range(ROWS)]),
        "reference_pairing",
        "stop",
        "(values that it did not have)",
    ),
}
"""{name: (column, change, check, severity, part of what is received)}"""


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_attribute_is_named_with_what_it_was(name: str, tmp_path: Path) -> None:
    column, change, check, severity, received = CHANGES[name]
    after = items().assign(**{column: change(items()[column])})
    (change_of_it,) = changes(loaded(items()), loaded(after), tmp_path)
    assert (change_of_it.table, change_of_it.column) == ("items", column)
    assert (change_of_it.check, change_of_it.severity) == (check, severity)
    assert received in change_of_it.received and column in change_of_it.expected


def test_a_dropped_column_and_a_dropped_table_are_named(tmp_path: Path) -> None:
    (gone,) = changes(loaded(items()), loaded(items().drop(columns=["department", "title"])), tmp_path)
    assert (gone.column, gone.severity) == ("department", "stop")
    assert gone.received == "no such column among item_id, size"
    (table,) = changes(loaded(items()), {}, tmp_path)
    assert (table.table, table.expected) == (
        "items",
        "the table that the blessed run had, with attributes department, size",
    )


def test_changes_in_the_course_of_business_are_no_finding(tmp_path: Path) -> None:
    few = items()
    few.loc[[7, 31], "department"] = "d0"
    assert changes(loaded(items()), loaded(few), tmp_path) == []
    more = pd.concat([items(), items().assign(item_id="new " + items()["item_id"], department="d9")])
    assert changes(loaded(items()), loaded(more.sample(frac=1.0, random_state=3)), tmp_path) == []
    other_titles = items().assign(title=shuffled(items()["title"]))  # nothing repeats in it: no model uses it
    assert changes(loaded(items()), loaded(other_titles), tmp_path) == []
    without_attributes = Validation(tmp_path / "stored before attributes were compared")
    assert attribute_changes.find(loaded(few), without_attributes, SETTINGS) == []


def test_a_tenth_in_other_groups_warns_and_a_declared_attribute_may_change(tmp_path: Path) -> None:
    tenth = items()
    tenth.loc[::10, "department"] = "d5"
    assert [change.severity for change in changes(loaded(items()), loaded(tenth), tmp_path)] == ["warn"]
    mixed = loaded(items().assign(department=shuffled(items()["department"])))
    (stop,) = changes(loaded(items()), mixed, tmp_path)
    command = stop.what_to_do.split("--set '")[1].rstrip("'")
    declared = RunSettings.from_dict(assigned([command])).validation
    assert declared.changing_attributes == ("items.department",)
    assert attribute_changes.find(mixed, Validation(tmp_path), declared) == []


def test_other_names_stop_a_run_that_starts_from_another_models_weights(tmp_path: Path) -> None:
    upper = loaded(items().assign(department=items()["department"].str.upper()))
    assert [change.severity for change in changes(loaded(items()), upper, tmp_path, start="refresh")] == ["stop"]


def test_a_sparse_attribute_that_is_shuffled_is_no_missing_one(tmp_path: Path) -> None:
    sparse = pd.concat([items()] * 4, ignore_index=True)
    sparse = sparse.assign(
        item_id=[f"i{i}" for i in range(len(sparse))], label=sparse["department"].where(sparse.index % 8 == 0)
    )
    after = sparse.assign(label=shuffled(sparse["label"]))
    assert [change.check for change in changes(loaded(sparse), loaded(after), tmp_path)] == ["reference_pairing"]


def test_attributes_of_shoppers_are_compared_and_their_ids_are_not_stored(tmp_path: Path) -> None:
    users = items().drop(columns="title").rename(columns={"item_id": "user_id"})
    after = users.assign(department=shuffled(users["department"]))
    (moved,) = changes(loaded(users, schema.USERS), loaded(after, schema.USERS), tmp_path)
    assert (moved.table, moved.column, moved.severity) == ("users", "department", "stop")
    assert not any(f"'{user}'" in moved.line() for user in users["user_id"])
    stored = pd.read_parquet(Validation(tmp_path).attributes("users"))
    assert not set(stored["user_id"].astype(str)) & set(users["user_id"])


def test_missing_promotions_and_promotions_of_other_kinds_warn(tmp_path: Path) -> None:
    promotions = pd.DataFrame({"item_id": ["a", "b"], "kind": ["display", "mailer"]})
    before = loaded(promotions, schema.PROMOTIONS)
    assert changes(before, before, tmp_path) == []
    other = loaded(promotions.assign(kind=["DISPLAY", "mailer"]), schema.PROMOTIONS)
    (kinds,) = changes(before, other, tmp_path)
    assert (kinds.column, kinds.severity) == ("kind", "warn")
    assert kinds.received == "other kinds in 50.0 % of the promotions, such as 'DISPLAY'"
    (gone,) = changes(before, {}, tmp_path)
    assert (gone.table, gone.severity, gone.received) == ("promotions", "warn", "no table")


def test_within_a_run_mostly_missing_values_and_several_spellings_warn() -> None:
    frame = items()
    frame.loc[12:, "department"] = None
    frame.loc[[0, 4], "size"] = "12.0"
    warnings = {warning.column: warning for warning in attributes.find(loaded(frame)["items"])}
    assert set(warnings) == {"department", "size"}
    assert all(warning.severity == "warn" for warning in warnings.values())
    assert warnings["department"].received == "none in 80.0 %, such as 'i12'"
    assert (
        warnings["size"].received
        == "1 values in several: '12' (13) and '12.0' (2); 3.3 % of the items have a rarer one"
    )
    assert attributes.find(loaded(items())["items"]) == []


def test_leading_zeros_are_no_spelling_and_integers_with_missing_values_are_no_decimals() -> None:
    codes = items().assign(code=["007", "7"] * (ROWS // 2))
    assert attributes.find(loaded(codes)["items"]) == []
    numbers = pd.DataFrame({"item_id": [1.0, 2.0], "size": [12.0, np.nan]})
    assert attributes.texts(loaded(numbers, kind="int64")["items"])["size"].fillna("missing").tolist() == [
        "12",
        "missing",
    ]
    assert attributes.texts(loaded(numbers, kind="double")["items"])["size"].fillna("missing").tolist() == [
        "12.0",
        "missing",
    ]


def test_empty_values_count_as_missing() -> None:
    frame = items().assign(department="")
    assert [warning.check for warning in attributes.find(loaded(frame)["items"])] == ["missing_attribute"]
