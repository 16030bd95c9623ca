"""The findings of the checks: texts of findings.toml, filled with what a check measured."""

import tomllib
from pathlib import Path

from components.artifacts.validation import Finding, Severity

_TEXTS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def finding(name: str, column: str, severity: Severity = "stop", table: str = "events", **measured: object) -> Finding:
    """The finding with the texts of that name; `measured` has their fields, except {table} and {column}."""
    texts = {"check": name} | {
        part: text.format(table=table, column=column, **measured) for part, text in _TEXTS[name].items()
    }
    return Finding(table=table, column=column, severity=severity, **texts)
