"""What the page is made of, before it is HTML. The template draws these and decides nothing."""

from dataclasses import dataclass

from pipelines.report.charts import Columns, Curves, Rows


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """One of the few numbers at the top. `tone`: "" or good or bad; the words say it too."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One box of the flow. `state`: done, cached, no (it stopped the run's model) or skipped."""

    name: str
    does: str
    clock: str
    state: str = "done"


@dataclass(frozen=True, kw_only=True)
class Band:
    """Stages that belong together, left to right."""

    name: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture under the sentence that says what to see in it."""

    says: str
    charts: tuple[Rows | Columns | Curves, ...]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A remark between pictures. `tone`: "" or good, warn, bad; `word` says the same."""

    word: str
    title: str
    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table to unfold. The first column names the row; columns listed in `numeric` are right-aligned."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    """Rows to mark; their text says why."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One idea: a heading, a plain sentence, pictures, remarks, tables."""

    id: str
    title: str
    lead: str = ""
    bands: tuple[Band, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[Note, ...] = ()
    tables: tuple[Table, ...] = ()
    page: str = ""
    """A whole HTML page to unfold in a frame of its own."""
    page_title: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """The report."""

    headline: str
    tone: str
    figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...]
    """(name, value) lines of the footer."""
    notice: str = ""
