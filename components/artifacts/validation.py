"""Validation: what the validate stage leaves.

    anomalies.json         ValidationReport
    report.html            the same for people
    TABLE.stats.pb         TFDV statistics of each table, and TABLE.schema.pbtxt, what they were compared with

and, of a run that was not stopped, what later runs and the monitor compare with:

    drift.stats.pb         statistics of the training events, numbers clipped to their middle 99.8 %
    requests.stats.pb      statistics of the training trips seen as requests
    known_items.parquet    id, sales and median log price; likewise known_users.parquet
    items.attributes.parquet   attributes in use of each product; likewise of users, under a hash of the id
    span.json              Span
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from components.artifacts.artifact import Artifact, ArtifactDirectory, Member
from model.data import columns as c

Severity = Literal["stop", "warn"]
Verdict = Literal["ok", "warn", "stop"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem of one column: what was expected, what was received, what to do."""

    table: str
    column: str
    check: str
    """Which check reports it, such as `missing_day` or `tfdv:UNEXPECTED_DATA_TYPE`."""
    severity: Severity
    expected: str
    received: str
    what_to_do: str

    def line(self) -> str:
        """The finding as one line of text."""
        return f"{self.table}.{self.column}: expected {self.expected}, received {self.received}; {self.what_to_do}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distance:
    """How far the distribution of one feature moved, and its limit."""

    feature: str
    value: float
    limit: float

    @property
    def exceeds(self) -> bool:
        return self.value > self.limit


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """`stop` when any finding stops, else `warn` when there is any, else `ok`."""
    severities = {finding.severity for finding in findings}
    return "stop" if "stop" in severities else "warn" if severities else "ok"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Stops before warnings, otherwise in their order; the first one of each (table, column, check)."""
    unique: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        unique.setdefault((finding.table, finding.column, finding.check), finding)
    return tuple(sorted(unique.values(), key=lambda finding: finding.severity != "stop"))


class ValidationReport(Artifact, file="anomalies.json", stage="validate"):
    """The verdict on the tables and what it rests on."""

    verdict: Verdict
    anomalies: tuple[Finding, ...]
    """Stops first."""
    drift: tuple[Distance, ...] = ()
    """The last training days against the days before them."""
    reference_drift: tuple[Distance, ...] = ()
    """The training span against that of the run that made the stable model."""
    rows: dict[str, int] = {}
    """{table: rows in its files}"""
    rows_examined: dict[str, int] = {}
    """{table: rows that the plain checks saw}; statistics, schema and drift are of all."""
    columns: dict[str, int] = {}

    @property
    def stops(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.anomalies if finding.severity == "stop")

    @property
    def counts(self) -> dict[str, int]:
        """{stops, warnings, rows, columns}"""
        stops = len(self.stops)
        return {
            "stops": stops,
            "warnings": len(self.anomalies) - stops,
            "rows": sum(self.rows.values()),
            "columns": sum(self.columns.values()),
        }


class Span(Artifact, file="span.json", stage="validate"):
    """Length of the training span without a sparse beginning, and how far its ids come back."""

    events: int
    days: int
    last_day: int | None = None
    """Days since 1970."""
    returning_percent: dict[str, float] = {}
    """{id column: sales of the later half of the events whose id the earlier half had, percent}"""


class Validation(ArtifactDirectory[ValidationReport], report=ValidationReport):
    """The validate stage's output directory."""

    page = Member("report.html")
    drift_stats = Member("drift.stats.pb")
    requests_stats = Member("requests.stats.pb")

    @property
    def span(self) -> Span | None:
        """None of a run that was stopped."""
        return Span.load(self.directory) if (self.directory / Span.FILE).is_file() else None

    def training_ids(self, column: str) -> Path:
        """The ids of an id column of the events in the training span, with their sales and median log price."""
        return self.directory / {c.ITEM: "known_items.parquet", c.USER: "known_users.parquet"}[column]

    def stats(self, table: str) -> Path:
        return self.directory / f"{table}.stats.pb"

    def attributes(self, table: str) -> Path:
        """One row a product or shopper: its id (of shoppers a hash) and each attribute in use as text. Of promotions:
        their kinds."""
        return self.directory / f"{table}.attributes.parquet"

    def schema(self, table: str) -> Path:
        return self.directory / f"{table}.schema.pbtxt"
