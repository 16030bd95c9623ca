"""Tables in Markdown: a step's result for KFP's page, one row for each figure or word; or any rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def as_markdown(title: str, result: Mapping[str, Any]) -> str:
    """A heading and a table. Lists are joined, objects inside become rows `outer.inner`; nothing is `–`."""
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in _flat(result)]
    return "\n".join([f"# {title}", "", "| | |", "|---|---|", *rows]) + "\n"


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; bars and line ends in cells are replaced."""
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |"


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        rows += _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else [(before + name, value)]
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value)
    text = "–" if value is None or value == "" else f"{value:.5g}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "/").split())
