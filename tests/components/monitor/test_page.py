"""docs/monitoring.md shows every check as it is."""

import re
from pathlib import Path

from components.monitor.checks.table import table

PAGE = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text()


def test_the_page_shows_every_check_and_no_other() -> None:
    for row in table():
        assert f"| {' | '.join(row)} |\n" in PAGE
    begin = PAGE.index("| check | what | limit | severity |")
    shown = re.findall(r"^\| ([\w@*]+) \|", PAGE[begin : PAGE.index("\n\n", begin)], re.MULTILINE)
    assert shown[1:] == [row[0] for row in table()]
