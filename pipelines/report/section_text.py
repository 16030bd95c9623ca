"""The words of the report's sections (sections.yaml), put around the figures of a run."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict, TypeAdapter

from components.reporting import number_format as words
from components.reporting.charts import Columns, Curves, Rows
from components.reporting.page_parts import Figure, Note, Section, Table

_TEMPLATES = Environment(undefined=StrictUndefined)
_TEMPLATES.filters["count"] = words.count


class TableText(BaseModel):
    """Title and first columns of a table. `more_numeric`: columns that a run adds are right-aligned too."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    header: tuple[str, ...]
    numeric: tuple[int, ...] = ()
    more_numeric: bool = False


class SectionText(BaseModel):
    """The words of one section; `lead`, captions and table titles are Jinja templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    lead: str = ""
    captions: Mapping[str, str] = {}
    tables: Mapping[str, TableText] = {}
    names: Mapping[str, Mapping[str, str]] = {}
    """Words for values, by kind."""

    def figure(self, name: str, *charts: Rows | Columns | Curves | None, **values: object) -> Figure | None:
        """The charts that there are under their caption; None without any."""
        drawn = tuple(chart for chart in charts if chart)
        return Figure(caption=fill(self.captions[name], values), charts=drawn) if drawn else None

    def table(
        self,
        name: str,
        rows: Sequence[Sequence[str]],
        more: Sequence[str] = (),
        failed: Sequence[int] = (),
        **values: object,
    ) -> Table | None:
        """The table with `more` columns to the right; None without a row. `failed`: rows to mark."""
        if not rows:
            return None
        text = self.tables[name]
        header = (*text.header, *more)
        added = range(len(text.header), len(header)) if text.more_numeric else ()
        return Table(
            title=fill(text.title, {"failed": len(failed), **values}),
            header=header,
            rows=tuple(map(tuple, rows)),
            numeric=(*text.numeric, *added),
            failed=tuple(failed),
        )

    def section(self, name: str, *parts: Figure | Note | Table | None, **values: object) -> Section:
        """The section with the parts that there are, its lead filled with the values."""
        return Section(
            id=name,
            title=self.title,
            lead=fill(self.lead, values),
            figures=tuple(part for part in parts if isinstance(part, Figure)),
            notes=tuple(part for part in parts if isinstance(part, Note)),
            tables=tuple(part for part in parts if isinstance(part, Table)),
        )


def fill(template: str, values: Mapping[str, object]) -> str:
    """The text with its values, on one line."""
    return re.sub(r"[ \n]+", " ", _TEMPLATES.from_string(template).render(values)).strip(" \n")


TEXTS = TypeAdapter(dict[str, SectionText]).validate_python(
    yaml.safe_load(Path(__file__).with_name("sections.yaml").read_text(encoding="utf-8"))
)
