"""Attributes against those of the run that made the stable model, product by product and shopper by shopper.

A model learns from an attribute as a partition: which products share a value. With n(a, b) the rows that had value a
and have b now, a pair (a, b) is a name's old and new form when b is the most frequent successor of a and a the most
frequent predecessor of b. What such pairs cover is the same partition, possibly under other names; all other rows moved
to other products' values: their share is near 1 after a shuffle, and the share of true changes otherwise.
"""

import dataclasses
from typing import Any

import pandas as pd

from components.artifacts.validation import Finding, Severity, Validation
from components.validate.attributes import folded, in_use, texts, whole_number
from components.validate.findings import finding
from components.validate.load_tables import FILE, Loaded
from model.data import columns as c
from model.data.schema import ITEMS, PROMOTIONS, USERS, Table
from tfx_configs.settings import Start
from tfx_configs.validation import ValidationSettings

TABLES = (ITEMS, USERS)
MIN_ROWS = 20
"""Fewer rows with a value in both runs show no pattern."""
WARN_PERCENT = 5.0
"""Fewer rows change their value in the course of business."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What became of one attribute, over the rows of both runs."""

    rows: int
    """With a value in the earlier run."""
    lost_percent: float
    """Of these, how many fewer have a value now."""
    moved_percent: float
    """Of these, how many are in another group now."""
    renamed_percent: float
    """Of these, how many are in the same group under another name."""
    lost_example: str = ""
    moved_example: str = ""
    renamed_example: str = ""


def write(tables: dict[str, Loaded], out: Validation) -> None:
    """Writes the attributes in use, one row a product or shopper; of shoppers with a hash in place of the id."""
    for table in TABLES:
        if table.name in tables:
            rows = _by_key(tables[table.name])
            rows.reset_index().to_parquet(out.attributes(table.name), index=False)
    if PROMOTIONS.name in tables and c.KIND in tables[PROMOTIONS.name].frame:
        kinds = tables[PROMOTIONS.name].frame[c.KIND].dropna().unique()
        pd.DataFrame({c.KIND: sorted(map(str, kinds))}).to_parquet(out.attributes(PROMOTIONS.name), index=False)


def find(
    tables: dict[str, Loaded], reference: Validation, settings: ValidationSettings, start: Start = "scratch"
) -> list[Finding]:
    """Attributes in use in the reference that are gone, lost values, moved among the rows or have other values.

    Args:
        start: of training; a model that starts from another one's weights does not know other names of a value.
    """
    out: list[Finding] = []
    for table in TABLES:
        path = reference.attributes(table.name)
        if not path.is_file():
            continue
        before = pd.read_parquet(path).set_index(table.key[0])
        if before.empty or not len(before.columns):
            continue
        if table.name not in tables:
            out.append(_table_gone(table, "attributes " + ", ".join(map(str, before.columns))))
            continue
        loaded = tables[table.name]
        now = _by_key(loaded, list(before.columns))
        both = before.index.intersection(now.index)
        for name in before.columns:
            if name not in loaded.frame:
                out.append(_gone(table, name, before[name], loaded))
            elif len(both):
                change = compare(before[name].reindex(both), now[name].reindex(both), named=table is ITEMS)
                if change is not None:
                    out += _changed(table, name, change, settings, start)
    return out + _kinds(tables.get(PROMOTIONS.name), reference, settings)


def compare(was: pd.Series, now: pd.Series, named: bool = True) -> Change | None:
    """How an attribute changed; None where fewer than MIN_ROWS rows had a value.

    Args:
        was, now: [rows] text or missing, by the same key.
        named: examples name the key.
    """
    had, has = was.notna(), now.notna()
    rows, both = int(had.sum()), had & has
    if rows < MIN_ROWS:
        return None
    lost, gained = had & ~has, ~had & has
    pairs = pd.DataFrame({"was": was[both], "now": now[both]}).value_counts().reset_index(name="rows")
    pairs["same"] = pairs["was"] == pairs["now"]
    pairs = pairs.sort_values(["rows", "same", "was", "now"], ascending=[False, False, True, True])
    forms = pairs[~pairs["was"].duplicated() & ~pairs["now"].duplicated()]
    same_group = pd.Series(list(zip(was, now, strict=True)), index=was.index).isin(
        set(zip(forms["was"], forms["now"], strict=True))
    )
    moved, renamed = both & ~same_group, both & same_group & (was != now)
    exchanged = min(int(lost.sum()), int(gained.sum()))
    vocabulary = set(was[had])
    return Change(
        rows=rows,
        lost_percent=100.0 * max(int(lost.sum()) - exchanged, 0) / rows,
        moved_percent=100.0 * (int(moved.sum()) + exchanged) / rows,
        renamed_percent=100.0 * int(renamed.sum()) / rows,
        lost_example=_example(was, now, lost, named),
        moved_example=_example(was, now, moved if moved.any() else lost, named)
        + _kind(was[moved], now[moved], vocabulary),
        renamed_example=_example(was, now, renamed, named) + _kind(was[renamed], now[renamed], vocabulary),
    )


def _by_key(loaded: Loaded, names: list[str] | None = None) -> pd.DataFrame:
    """[rows] the attributes (None: those in use) by key, first row of each; ids of shoppers are hashed."""
    rows, key = texts(loaded), loaded.table.key[0]
    names = in_use(rows, key) if names is None else [name for name in names if name in rows]
    rows = rows[rows[key].notna()].drop_duplicates(key)
    ids = rows[key] if loaded.table is ITEMS else pd.util.hash_pandas_object(rows[key], index=False)
    return rows[names].set_axis(pd.Index(ids, name=key))


def _example(was: pd.Series, now: pd.Series, rows: pd.Series, named: bool) -> str:
    if not rows.any():
        return ""
    key = was.index[rows][0]
    old, new = (repr(value) if isinstance(value, str) else "missing" for value in (was[key], now[key]))
    return f"{key!r}: {old} -> {new}" if named else f"{old} -> {new}"


def _kind(was: pd.Series, now: pd.Series, vocabulary: set[str]) -> str:
    """In what way most of the rows changed."""
    if not len(was):
        return ""
    if (folded(was) == folded(now)).mean() > 0.5:
        return " (they differ in case or spaces only)"
    if (whole_number(was) == whole_number(now)).mean() > 0.5:
        return " (the same numbers in another notation)"
    mine = now.isin(vocabulary).mean() > 0.5
    return " (values of other rows)" if mine else " (values that it did not have)"


def _changed(table: Table, name: str, change: Change, settings: ValidationSettings, start: Start) -> list[Finding]:
    most, expected_to_change = settings.max_changed_percent, f"{table.name}.{name}" in settings.changing_attributes

    def severity(percent: float) -> Severity:
        return "stop" if percent > most else "warn"

    out: list[Finding] = []
    measured: dict[str, Any]
    if change.lost_percent > WARN_PERCENT:
        measured = {"rows": change.rows, "percent": change.lost_percent, "example": change.lost_example}
        out.append(finding("lost_attribute", name, severity(change.lost_percent), table.name, **measured))
    if change.moved_percent > WARN_PERCENT and not expected_to_change:
        measured = {"rows": change.rows, "percent": change.moved_percent, "example": change.moved_example}
        out.append(finding("moved_attribute", name, severity(change.moved_percent), table.name, **measured))
    if change.renamed_percent > max(WARN_PERCENT, change.moved_percent) and not expected_to_change:
        measured = {"rows": change.rows, "percent": change.renamed_percent, "example": change.renamed_example}
        worst: Severity = "warn" if start == "scratch" else severity(change.renamed_percent)
        out.append(finding("renamed_attribute", name, worst, table.name, **measured))
    return out


def _kinds(promotions: Loaded | None, reference: Validation, settings: ValidationSettings) -> list[Finding]:
    """Promotions that are gone, or of kinds that the reference did not have."""
    path = reference.attributes(PROMOTIONS.name)
    before = list(pd.read_parquet(path)[c.KIND]) if path.is_file() else []
    if not before:
        return []
    if promotions is None:
        return [_table_gone(PROMOTIONS, "kinds " + ", ".join(before), "warn")]
    kinds = promotions.frame[c.KIND].dropna().astype(str) if c.KIND in promotions.frame else pd.Series(dtype=str)
    other = kinds[~kinds.isin(before)]
    percent = 100.0 * len(other) / max(len(kinds), 1)
    if percent <= settings.max_unknown_percent:
        return []
    measured: dict[str, Any] = {"before": before[0], "percent": percent, "example": other.iloc[0]}
    return [finding("gone_kinds", c.KIND, "warn", PROMOTIONS.name, **measured)]


def _gone(table: Table, name: str, before: pd.Series, loaded: Loaded) -> Finding:
    measured: dict[str, Any] = {"percent": 100.0 * before.notna().mean(), "columns": ", ".join(loaded.types)}
    return finding("gone_attribute", name, "stop", table.name, **measured)


def _table_gone(table: Table, what: str, severity: Severity = "stop") -> Finding:
    return finding("gone_table", FILE, severity, table.name, what=what)
