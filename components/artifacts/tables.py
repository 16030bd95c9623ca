"""Tables: what ingest leaves.

events/              Parquet by month
items.parquet        likewise users.parquet and promotions.parquet, where the source has them
ingest.json          IngestReport
"""

import json
from pathlib import Path

from components.artifacts.artifact import Artifact, ArtifactDirectory, Member, Record
from components.artifacts.validation import Finding
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, USERS, Table

MAX_MISSING_PERCENT = 5.0
"""Rows without a value in a column that is there, above which ingest's report warns, percent."""
MAX_DUPLICATE_PERCENT = 5.0
"""Exact copies of other rows, above which it warns, percent. The Complete Journey has none, UCI retail 1.3, groceries
(no baskets, no times of day) 2.0."""


class DominantShopper(Record):
    """One id with so large a share of the events that it may stand for many shoppers, or for a robot."""

    user: str
    percent_of_rows: float
    percent_of_baskets: float

    @property
    def finding(self) -> Finding:
        """A warning with the setting that makes anonymous visits of the id's baskets."""
        return _warning(
            "user_id",
            f"dominant_shopper:{self.user}",
            "no shopper with more than 5 % of rows or baskets",
            f"{self.user} with {self.percent_of_rows:.1f} % of rows and {self.percent_of_baskets:.1f} % of baskets",
            "if many shoppers share the id, make each basket an anonymous visit: "
            f"--set 'data.guest_ids={json.dumps([self.user])}'",
        )


def _warning(column: str, check: str, expected: str, received: str, what_to_do: str) -> Finding:
    return Finding(EVENTS.name, column, check, "warn", expected, received, what_to_do)


class FileFormat(Record):
    """How a file of the source is written, as ingest measured it; empty where it does not apply."""

    file: str
    delimiter: str = ""
    quote: str = ""
    encoding: str = ""
    """Python's name of it."""
    decimal_mark: str = ""
    """Of numbers in text."""
    date_format: str = ""
    """Of each column of times: timestamp, date, or the order of text, like DD-MM-YYYY."""
    time_unit: str = ""
    """Of times that are numbers: seconds to nanoseconds, or YYYYMMDD."""

    def __str__(self) -> str:
        about = self.model_dump(exclude={"file"}, exclude_defaults=True)
        words = (f"{name.replace('_', ' ')} {value!r}" for name, value in about.items())
        return f"{self.file}: {', '.join(words) or 'typed columns'}"


class IngestReport(Artifact, file="ingest.json", stage="ingest"):
    """What ingest read, dropped, repaired and wrote, in rows."""

    source: str
    engine: str
    rows_in: int
    """Event rows of the source."""
    dropped: dict[str, int]
    """{reason: event rows}"""
    dropped_percent: float
    repaired: dict[str, int]
    """{reason: rows}"""
    files: tuple[FileFormat, ...] = ()
    events: int
    purchases: int
    users_seen: int
    """Shoppers with an event."""
    items_seen: int
    first_event_s: int
    """Unix seconds, as the next two."""
    last_event_s: int
    cut_s: int
    cut: str
    """Day of `cut_s`, YYYY-MM-DD."""
    items: int
    users: int | None = None
    promotions: int | None = None
    returns: int = 0
    """Events that take a purchase back."""
    missing: dict[str, int] = {}
    """{column of events: rows of the source without a value in a column that is there}"""
    unlisted: int = 0
    """Events of items without a row in the table items."""
    guest_visits: int = 0
    """Anonymous visits that the baskets of `data.guest_ids` became; `users_seen` counts each of them."""
    exact_duplicate_percent: float = 0.0
    """Share of usable rows that repeat another one in every canonical column, percent."""
    dominant_shoppers: tuple[DominantShopper, ...] = ()
    """Largest first."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Warnings for what no table shows any more: values that ingest filled in, double loads, ids of many."""
        warnings = []
        for name, rows in self.missing.items():
            percent = 100 * rows / self.rows_in
            if percent > MAX_MISSING_PERCENT:
                expected = f"a value in at least {100 - MAX_MISSING_PERCENT:g} % of rows"
                received = f"none in {rows:,} of {self.rows_in:,} rows ({percent:.1f} %)"
                what_to_do = "export it for all rows, or leave the column out so that its default holds for all"
                warnings.append(_warning(name, "missing_in_source", expected, received, what_to_do))
        if self.exact_duplicate_percent > MAX_DUPLICATE_PERCENT:
            expected = f"at most {MAX_DUPLICATE_PERCENT:g} % of rows to repeat another one in every column"
            received = f"{self.exact_duplicate_percent:.1f} % exact copies"
            what_to_do = "check that no file was loaded twice"
            warnings.append(_warning("basket_id", "exact_duplicates", expected, received, what_to_do))
        return (*warnings, *(shopper.finding for shopper in self.dominant_shoppers))

    @property
    def figures(self) -> dict[str, float]:
        """What KFP shows of the step."""
        return {"events": self.events, "items": self.items, "dropped_percent": self.dropped_percent}


class Tables(ArtifactDirectory[IngestReport], report=IngestReport):
    """A directory of canonical tables."""

    events = Member(EVENTS.name)
    """Directory of Parquet files, by month."""
    items = Member(f"{ITEMS.name}.parquet")

    def path(self, table: Table) -> Path | None:
        """The table as a directory of parts or as one file; None where there is neither."""
        paths = (self.directory / table.name, self.file(table))
        return next((path for path in paths if path.exists()), None)

    def file(self, table: Table) -> Path:
        """Where a table that is one file lies."""
        return self.directory / f"{table.name}.parquet"

    @property
    def users(self) -> Path | None:
        return self.path(USERS)

    @property
    def promotions(self) -> Path | None:
        return self.path(PROMOTIONS)
