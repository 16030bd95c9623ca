"""Each row of the verification page names where and when it ran and by what, or that it was not run."""

import re
from pathlib import Path

import pytest

PAGE = Path("docs/verification.md").read_text(encoding="utf-8")
HEAD = "| what | result | where | when | by |\n|---|---|---|---|---|\n"
ROWS = [
    tuple(cell.strip() for cell in line.split("|")[1:-1])
    for section in PAGE.split(HEAD)[1:]
    for line in section.partition("\n\n")[0].strip().splitlines()
]
ENVIRONMENTS = set(re.findall(r"^\| (\w[\w ]*) \|", PAGE.split("## Environments")[1].split("\n## ")[0], re.M)) - {
    "name"
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_row_says_where_when_and_by_what_or_that_it_was_not_run(row: tuple[str, ...]) -> None:
    assert len(row) == 5
    _, result, where, when, by = row
    if result.startswith("not run"):
        assert (where, when, by) == ("", "", "")
        return
    assert where.split(",")[0] in ENVIRONMENTS
    assert re.fullmatch(r"2026-\d\d-\d\d(, 2026-\d\d-\d\d)?", when)
    tests = re.findall(r"\[(\w+\.py)\]\(\.\./(tests/[\w/]+\.py)\)", by)
    assert all(Path(path).is_file() and Path(path).name == name for name, path in tests)
    assert tests or re.fullmatch(r"`make [\w-]+`", by) or by == "command"


def test_the_page_has_rows_and_environments() -> None:
    assert len(ROWS) > 50 and {"machine", "node", "KFP"} <= ENVIRONMENTS
