"""docs/reference/decisions.md has the checks, rules and transitions of the code."""

import re

from components.monitor.checks.table import table as checks
from components.monitor.retraining.policy import RULES
from components.rollout.decision.guards import GUARDS
from pipelines.reference import decisions_page

PAGE = decisions_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_current() -> None:
    assert decisions_page.page() == PAGE, "run: python -m pipelines.reference"


def test_every_check_rule_and_guard_has_one_row() -> None:
    names = [row[0] for row in checks()] + [rule.name for rule in RULES]
    assert [name for name in names if len(re.findall(rf"^\| {re.escape(name)} \|", PAGE, re.MULTILINE)) != 1] == []
    assert [guard.name for guard in GUARDS if PAGE.count(f"| {guard.name}: ") != 1] == []


def test_rows_that_differ_only_in_their_first_cell_are_one() -> None:
    rows = [("running", "stop", "0 %"), ("running", "go", "100 %"), ("held", "stop", "0 %")]
    assert decisions_page.merged(rows) == [("running, held", "stop", "0 %"), ("running", "go", "100 %")]
