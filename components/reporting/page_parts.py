"""What the page is made of, before it is HTML. The template draws these and decides nothing."""

from dataclasses import dataclass

from components.reporting.charts import Columns, Curves, Rows, Sparkline

Cell = str | Sparkline


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """One of the few numbers at the top. `tone`: "", good, warn or bad; the text has its meaning too."""

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
    """Charts under the sentence that explains them."""

    caption: str
    charts: tuple[Rows | Columns | Curves, ...]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A remark between charts. `tone`: "", good, warn or bad; `word` has its meaning too."""

    word: str
    title: str
    text: str
    details: tuple[tuple[str, str], ...] = ()
    """(name, text) lines below."""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table. The first column names the row; columns listed in `numeric` are right-aligned."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    """Rows to mark; their text has the reason."""
    folded: bool = True
    """Whether the reader unfolds it."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One idea: a heading, a plain sentence, charts, remarks, tables."""

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
    """A whole page. `title` names it in the browser, `subject` beside the product's name."""

    title: str
    subject: str
    headline: str
    lead: str = ""
    tone: str = ""
    figures: tuple[KeyFigure, ...] = ()
    sections: tuple[Section, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """(name, value) lines of the footer."""
    notice: str = ""
    navigation: bool = False
    """Links to the sections. Not for a page that is shown in a frame by its text: there they lead out of it."""
