"""The serving page names every column of the request log, and none that there is not."""

import re
from pathlib import Path

from model.request_log.reader import SCHEMA

PAGE = Path("docs/serving.md").read_text(encoding="utf-8")


def _rows(heading: str) -> str:
    """First cells of the table's rows under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))


def test_the_table_of_the_request_logs_columns_is_complete() -> None:
    assert sorted(re.findall(r"`(\w+)`", _rows("The request log"))) == sorted(SCHEMA.names)
