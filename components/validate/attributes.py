"""Attributes of products and shoppers within one run: which are usable, which are mostly missing or spelled in several
ways."""

from typing import Any

import pandas as pd

from components.artifacts.validation import Finding
from components.validate.findings import finding
from components.validate.load_tables import Loaded

MOSTLY = 50.0
"""A larger share of missing values warns, percent of the table's rows."""
SHOWN = 3


def texts(loaded: Loaded) -> pd.DataFrame:
    """[rows] the table's key and its attributes as text; an empty value is missing, the integer 12 is "12"."""
    table, out = loaded.table, {}
    for name in map(str, loaded.frame):
        if name in table.key or name not in table.names:
            values = loaded.frame[name]
            whole = pd.api.types.is_float_dtype(values) and "int" in loaded.types[name]  # integers with missing values
            values = values.astype("Int64") if whole else values
            out[name] = values.astype("string").astype(object).where(values.notna() & (values.astype("string") != ""))
    return pd.DataFrame(out, index=loaded.frame.index)


def in_use(rows: pd.DataFrame, key: str) -> list[str]:
    """The attributes that a model can learn from: at least two values, at most half as many as rows."""
    most = max(len(rows) / 2, 2)
    return [name for name in map(str, rows) if name != key and 1 < rows[name].nunique() <= most]


def find(loaded: Loaded) -> list[Finding]:
    """Warnings on the attributes of one table: a value for few rows only, or several spellings of one value."""
    rows, key = texts(loaded), loaded.table.key[0]
    out = [_mostly_missing(loaded, rows, name) for name in map(str, rows) if name != key]
    out += [_spellings(loaded, rows, name) for name in in_use(rows, key)]
    return [warning for warning in out if warning is not None]


def folded(values: pd.Series) -> pd.Series:
    """The values without differences of case and of surrounding spaces."""
    return values.str.strip().str.casefold()


def whole_number(values: pd.Series) -> pd.Series:
    """The values with "12.0" as "12"; "007" stays what it is."""
    return values.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)


def _mostly_missing(loaded: Loaded, rows: pd.DataFrame, name: str) -> Finding | None:
    missing = rows[name].isna()
    percent = 100.0 * float(missing.mean())
    if percent <= MOSTLY:
        return None
    table, example = loaded.table.name, rows[loaded.table.key[0]][missing].iloc[0]
    return finding("missing_attribute", name, "warn", table, most=MOSTLY, percent=percent, example=example)


def _spellings(loaded: Loaded, rows: pd.DataFrame, name: str) -> Finding | None:
    counts = rows[name].value_counts()
    values = pd.Series(counts.index, index=counts.index, dtype=object)
    forms = folded(whole_number(values))
    several = forms[forms.duplicated(keep=False)]
    if several.empty:
        return None
    groups = [several.index[several == form] for form in several.unique()]  # most frequent spelling first
    spelled = [" and ".join(f"{value!r} ({counts[value]:,})" for value in group) for group in groups[:SHOWN]]
    rare = sum(int(counts[group].iloc[1:].sum()) for group in groups)
    measured: dict[str, Any] = {
        "values": len(groups),
        "examples": ", ".join(spelled),
        "percent": 100.0 * rare / len(rows),
    }
    return finding("spellings", name, "warn", loaded.table.name, **measured)
