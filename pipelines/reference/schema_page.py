"""docs/reference/tables.md: the canonical tables, from the schema that every stage reads; and what all pages use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.reporting.html_page import environment
from model.data import schema

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = DOCS / "reference" / "tables.md"
_STORED = {"id": "string", "category": "string", "number": "double", "time": "microseconds"}
_TEMPLATES = environment(Path(__file__).parent / "templates", escaped=False)
_TEMPLATES.filters["json"] = json.dumps


def table(template: str, **values: Any) -> str:
    """The Markdown of templates/{template}.md.jinja."""
    return _TEMPLATES.get_template(f"{template}.md.jinja").render(values).rstrip("\n")


def filled(text: str, sections: Mapping[str, str]) -> str:
    """The page with its marked sections rewritten. Raises ValueError when one is not there."""
    for name, content in sections.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise ValueError(f"expected a section <!-- {name} --> with an end in the page, found none; add it")
        text = f"{before}<!-- {name} -->\n{content}\n{end}{after}"
    return text


def page() -> str:
    """The page: a row for each column of a canonical table."""
    return table("schema", schema=schema, stored=_STORED) + "\n"
