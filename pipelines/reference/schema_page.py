"""The tables of docs/data.md about columns, written from the code that reads them.

`python -m pipelines.reference.schema_page` writes the marked sections again; a test fails when page and code disagree.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.reporting.html_page import environment
from model.data import schema
from model.files import write_text

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = DOCS / "data.md"
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


def sections() -> dict[str, str]:
    """{marked section: its Markdown}: a row for each column of a canonical table."""
    return {"schema": table("schema", schema=schema, stored=_STORED)}


if __name__ == "__main__":
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), sections()))
