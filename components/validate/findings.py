"""What validation has to say: one finding a problem, and the verdict over all of them."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

Severity = Literal["stop", "warn"]
Verdict = Literal["ok", "warn", "stop"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem of one column: what was expected, what came, what to do."""

    table: str
    column: str
    check: str
    """Which check found it, such as `missing_day` or `tfdv:UNEXPECTED_DATA_TYPE`."""
    severity: Severity
    expected: str
    received: str
    what_to_do: str

    def line(self) -> str:
        return f"{self.table}.{self.column}: expected {self.expected}, received {self.received}; {self.what_to_do}"


def verdict(findings: Iterable[Finding]) -> Verdict:
    """`stop` when any finding stops, else `warn` when there is any, else `ok`."""
    severities = {finding.severity for finding in findings}
    return "stop" if "stop" in severities else "warn" if severities else "ok"


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Stops before warnings, otherwise in the order found; at most one for each (table, column, check)."""
    unique: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        unique.setdefault((finding.table, finding.column, finding.check), finding)
    return sorted(unique.values(), key=lambda finding: finding.severity != "stop")
