"""The tables of docs/data.md that say what a column is, written from the code that reads it.

`python -m pipelines.reference.schema_page` writes the marked sections again; a test fails when page and code disagree.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from model.data import schema
from model.files import write_text
from model.serving.v2_inputs import INPUTS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "data.md"
_HEAD = ("column", "type", "unit", "in the file", "empty values", "when absent", "bounds", "in a request", "meaning")
_TYPES = {
    schema.Type.ID: "id (string)",
    schema.Type.CATEGORY: "category (string)",
    schema.Type.NUMBER: "number (double)",
    schema.Type.TIME: "time (microseconds)",
}


def filled(text: str, sections: Mapping[str, str]) -> str:
    """The page with its marked sections rewritten. Raises ValueError when one is not there."""
    for name, content in sections.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise ValueError(f"expected a section <!-- {name} --> with an end in the page, found none; add it")
        text = f"{before}<!-- {name} -->\n{content}\n{end}{after}"
    return text


def sections() -> dict[str, str]:
    """{marked section: its Markdown}."""
    return {"schema": canonical_tables(), "requests": request_table()}


def canonical_tables() -> str:
    """Markdown: each canonical table, its key, and a row for each column."""
    return "\n\n".join(f"{_title(table)}\n\n{markdown(_HEAD, map(_row, table.columns))}" for table in schema.TABLES)


def request_table() -> str:
    """Markdown: a row for each input of a v2 request."""
    carried = {column.request: column.name for column in schema.EVENTS.columns if column.request}
    rows = (
        (
            f"`{tensor.name}`",
            f"{tensor.datatype} [{1 if tensor.size == 1 else 'n'}]",
            "required" if tensor.required else "optional",
            f"`{carried[tensor.name]}`" if tensor.name in carried else "",
            tensor.doc,
        )
        for tensor in INPUTS
    )
    return markdown(("input", "type", "in the request", "canonical column", "meaning"), rows)


def _title(table: schema.Table) -> str:
    kind = "required" if table.required else "optional"
    more = ", further columns are attributes" if table.open else ""
    return f"**{table.name}** ({kind}{more}); one row a {', '.join(f'`{name}`' for name in table.key)}."


def _row(column: schema.Column) -> tuple[str, ...]:
    named = "the empty id" if column.default == "" else f"`{column.default}`"
    default = named if column.default is not None else "missing" if column.nullable else ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in (column.low, column.high))
    bounds = f"{low} or more" if low and not high else f"{low} to {high}" if high else ""
    return (
        f"`{column.name}`",
        _TYPES[column.type],
        column.unit,
        "required" if column.required else "optional",
        "allowed" if column.nullable else "no",
        default,
        ", ".join(f"`{value}`" for value in column.domain) or bounds,
        f"`{column.request}`" if column.request else "",
        column.doc,
    )


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), sections()))


if __name__ == "__main__":
    main()
