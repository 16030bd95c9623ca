"""The table of docs/forgetting.md, written from the table of retention.

`python -m pipelines.forget.retention_page` writes the marked section again; a test fails when page and code disagree.
"""

from model.files import write_text
from pipelines.forget.retention import described
from pipelines.reference.schema_page import DOCS, filled, table

PAGE = DOCS / "forgetting.md"


def sections() -> dict[str, str]:
    """{marked section: its Markdown}."""
    return {"retention": table("retention", places=described())}


if __name__ == "__main__":
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), sections()))
