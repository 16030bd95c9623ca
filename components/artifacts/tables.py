"""Tables: what ingest leaves.

events/              Parquet by month
items.parquet        likewise users.parquet and promotions.parquet, where the source has them
ingest.json          IngestReport
"""

from pathlib import Path

from components.artifacts.artifact import Artifact, ArtifactDirectory, Member, Record
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, USERS, Table


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

    @property
    def figures(self) -> dict[str, float]:
        """What KFP shows of the step."""
        return {"events": self.events, "items": self.items, "dropped_percent": self.dropped_percent}


class Tables(ArtifactDirectory, marker=IngestReport.FILE, stage="ingest"):
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

    @property
    def report(self) -> IngestReport:
        """Raises InputError when there is none."""
        return IngestReport.load(self.directory)
