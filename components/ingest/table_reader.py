"""One file of a shop's export as a canonical table: how it is written is measured first, then every column is read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow.parquet as pq
from ibis.expr.types import BooleanColumn, FloatingColumn, StringColumn
from ibis.expr.types import Column as Expression
from ibis.expr.types import Table as Expr
from ibis.util import gen_name

from components.artifacts.tables import FileFormat
from components.engines.csv_format import CsvFormat, csv_format
from components.engines.engine import Engine, readable
from components.ingest.cleaning import calendar_day, not_finite
from components.ingest.names import event_words, renamed, setting, shown
from components.ingest.number_values import Mark, NumberValues, decimal_mark
from components.ingest.text_values import as_text, filled, is_fraction
from components.ingest.time_values import AmbiguousDates, Moments, NoTimes, TimeValues
from model.data import columns as c
from model.data.schema import EVENTS, Column, Table, Type
from model.errors import InputError
from tfx_configs.settings import IGNORE, DataSettings

_STORED = {Type.ID: "string", Type.CATEGORY: "string", Type.NUMBER: "float64", Type.TIME: "timestamp(6)"}
_MOST_WORDS = 1000
"""Different event types that are listed; a column with more holds something else."""


@dataclass(frozen=True, kw_only=True)
class ReadTable:
    """A canonical table, with columns beside the canonical ones that flag rows.

    `unreadable`: {canonical column: the flag of rows whose value could not be read}; `ignored`: events left out.
    """

    rows: Expr
    form: FileFormat
    unreadable: dict[str, str]
    ignored: Expr | None = None


@dataclass
class TableReader:
    """Reads one file. `raw`: the table under the canonical names, its values as the file has them."""

    engine: Engine
    path: Path
    table: Table
    data: DataSettings
    raw: Expr
    csv: CsvFormat | None
    _forms: dict[str, list[str]] = field(default_factory=lambda: {"date_format": [], "time_unit": []})
    _written: dict[str, BooleanColumn] = field(default_factory=dict)
    """{column of times or numbers that are computed: rows with something in it}"""

    @classmethod
    def open(cls, engine: Engine, path: Path, table: Table, data: DataSettings) -> "TableReader":
        """The reader of a file or a directory of Parquet files. Raises InputError."""
        if path.is_dir() and not any(path.rglob("*.parquet")):
            there = shown(sorted(file.name for file in path.iterdir())) or "an empty directory"
            raise InputError(f"{path}: expected files that end in .parquet, found {there}; make one CSV file of them")
        if path.is_dir() or path.suffix.lower() == ".parquet":
            _check_names(path)
            return cls(engine, path, table, data, engine.read_parquet(path), None)
        with readable(path, "CSV"):
            form = csv_format(path)
        return cls(engine, path, table, data, engine.read_csv(path, form), form)

    def read(self) -> ReadTable:
        """The canonical table. Raises InputError naming the column, a value and what to set."""
        names = renamed(self.table, self.raw.columns, self.data.columns, str(self.path))
        self.raw = self.raw.select([self.raw[theirs].name(ours) for theirs, ours in names.items()])
        if self.csv is not None:
            with readable(self.path, "CSV"):
                self.raw = self.engine.hold(self.raw.select([filled(self.raw[n]).name(n) for n in self.raw.columns]))
        evidence = self._measured()
        mark = decimal_mark([own for own in evidence.values() if "commas" in own])
        rows = self._columns(evidence, mark)
        unreadable = {name: f"unreadable_{name}" for name in self._written}
        flags = {flag: rows[f"written_{name}"] & rows[name].isnull() for name, flag in unreadable.items()}
        rows = rows.mutate(**flags).drop(*(f"written_{name}" for name in unreadable))
        if self.table is EVENTS and c.BASKET not in self.raw.columns:
            rows = rows.mutate(**{c.BASKET: calendar_day(rows[c.USER], rows[c.TIME])})
        ignored = None
        if self.table is EVENTS and IGNORE in self.data.event_types.values():
            left_out = (rows[c.EVENT_TYPE] == IGNORE).fill_null(False)
            ignored, rows = rows.filter(left_out), rows.filter(~left_out)
        return ReadTable(rows=rows, form=self._form(mark), unreadable=unreadable, ignored=ignored)

    def _columns(self, evidence: Mapping[str, Mapping[str, Any]], mark: Mark) -> Expr:
        """Every column as a canonical one or an attribute, and for text and numbers `written_NAME`: not empty."""
        others = [name for name in self.raw.columns if self.table.open and self._canonical(name) is None]
        parsed = {
            column.name: self._parse(column, evidence[column.name], mark)
            for column in self.table.columns
            if column.type in (Type.TIME, Type.NUMBER) and self._is_text(column.name)
        }
        self._written |= {name: self._text_of(name).notnull() for name in parsed}
        columns = {
            column.name: self.raw[parsed[column.name]]
            if column.name in parsed
            else self._column(column, evidence, mark)
            for column in self.table.columns
        }
        columns |= {f"written_{name}": flag for name, flag in self._written.items()}
        extra = [self._text(name, evidence).name(name) for name in others]
        rows = self.raw.select([*(value.name(name) for name, value in columns.items()), *extra])
        # Long expressions are computed once: what follows names each column many times.
        return self.engine.hold(rows) if self._written else rows

    def _parse(self, column: Column, own: Mapping[str, Any], mark: Mark) -> str:
        """Adds a column with the values of this one's text, and returns its name. Each different text is read once: a
        year has 500,000 minutes, and a shop has more lines than prices."""
        text, value = gen_name("text"), gen_name("value")
        texts = self.raw.select(self._text_of(column.name).name(text)).distinct()
        if column.type is Type.TIME:
            read: Expression = self._time(column.name, texts[text], own).value
        else:
            read = self._number(column, texts[text], own, mark)
        parsed = self.engine.hold(texts.mutate(read.name(value)))
        self.raw = self.raw.left_join(parsed, self._text_of(column.name) == parsed[text]).drop(text)
        return value

    def _is_text(self, name: str) -> bool:
        return name in self.raw.columns and isinstance(self.raw[name].type(), dt.String)

    def _text_of(self, name: str) -> StringColumn:
        """A text column without spaces around its values, and null where there is none."""
        return self.raw[name] if self.csv is not None else filled(self.raw[name])

    def _form(self, mark: Mark) -> FileFormat:
        about = {name: ", ".join(dict.fromkeys(forms)) for name, forms in self._forms.items()}
        if self.csv is not None:
            about |= {"delimiter": self.csv.delimiter, "quote": self.csv.quote, "encoding": self.csv.encoding}
        return FileFormat(file=self.path.name, decimal_mark=mark, **about)

    def _measured(self) -> dict[str, dict[str, Any]]:
        """{column: what decides how it is read}, from one pass over all columns.

        The pass reads every column to its end, so that a damaged file is found here, where its name is known.
        """
        wanted = {name: self._evidence(name) for name in self.raw.columns}
        places = {(name, what): f"value_{i}_{what}" for i, name in enumerate(wanted) for what in wanted[name]}
        query = self.raw.agg(
            [self.raw.count().name("rows"), *(wanted[name][what].name(place) for (name, what), place in places.items())]
        )
        with readable(self.path, "Parquet" if self.csv is None else "CSV"):
            row = query.execute().iloc[0]
        if not row["rows"]:
            raise InputError(
                f"{self.path}: expected at least one row, got an empty table; leave the file out or fill it"
            )
        values = {place: None if row[place] != row[place] else row[place] for place in places.values()}
        return {name: {what: values[places[name, what]] for what in wanted[name]} for name in wanted}

    def _evidence(self, name: str) -> dict[str, Any]:
        column = self._canonical(name)
        value = self._text_of(name) if self._is_text(name) else self.raw[name]
        counted = {"present": self.raw[name].count()}
        if column is not None and column.type is Type.TIME:
            return counted | TimeValues(engine=self.engine, value=value).evidence()
        if column is not None and column.type is Type.NUMBER:
            return counted | NumberValues(value=value).evidence()
        if not isinstance(value.type(), dt.String) or not (self.table.open or column):
            return counted
        return counted | {"filled": value.count(), "fractions": is_fraction(value).sum()}

    def _canonical(self, name: str) -> Column | None:
        return next((column for column in self.table.columns if column.name == name), None)

    def _column(self, column: Column, evidence: Mapping[str, Mapping[str, Any]], mark: Mark) -> Expression:
        if column.name not in self.raw.columns:
            return ibis.literal(column.default, type=_STORED[column.type])
        if column.type is Type.TIME:
            moments = self._time(column.name, self.raw[column.name], evidence[column.name])
            if moments.written is not None:
                self._written[column.name] = moments.written
            return moments.value
        if column.type is Type.NUMBER:
            return self._number(column, self.raw[column.name], evidence[column.name], mark)
        if column.name == c.EVENT_TYPE:
            return self._event_type()
        return self._text(column.name, evidence, marks=self.csv is None)

    def _text(self, name: str, evidence: Mapping[str, Mapping[str, Any]], *, marks: bool = False) -> StringColumn:
        own = evidence[name]
        whole = bool(own.get("filled")) and not own["fractions"]
        return as_text(self.raw[name], whole=whole, marks=marks)

    def _number(self, column: Column, value: Expression, own: Mapping[str, Any], mark: Mark) -> FloatingColumn:
        kind = value.type()
        if not isinstance(kind, dt.Numeric | dt.String) or isinstance(kind, dt.Boolean):
            raise InputError(f"{self.path}: expected numbers in {column.name}, got {kind}; convert the column")
        if own.get("wrong") and own["wrong"] * 2 > own["filled"]:
            raise InputError(
                f"{self.path}: expected numbers in {column.name}, got text like {shown([own['example']])} in "
                f"{int(own['wrong']):,} of {int(own['filled']):,} rows; convert the column, leave it out, or give its "
                f"name to another one with {setting('columns', {'another column': column.name})}"
            )
        number = NumberValues(value=value).read(mark)
        return ibis.ifelse(not_finite(number), ibis.null("float64"), number) if column.nullable else number

    def _time(self, name: str, value: Expression, own: Mapping[str, Any]) -> Moments:
        values = TimeValues(engine=self.engine, value=value)
        try:
            moments = values.read(own, self.data.day_first)
        except AmbiguousDates as both:
            raise InputError(
                f"{self.path}: expected dates in {name} of which one row shows whether the day or the month is first, "
                f"got {both}; answer with --set data.day_first=true or --set data.day_first=false"
            ) from None
        except NoTimes as other:
            raise InputError(
                f"{self.path}: expected timestamps or unix seconds in {name} (or text like 2015-12-13 18:30), got "
                f"{other}; convert the column, or name another one with {setting('columns', {'another column': name})}"
            ) from None
        self._forms["date_format"] += [moments.date_format] if moments.date_format else []
        self._forms["time_unit"] += [moments.unit] if moments.unit else []
        return moments

    def _event_type(self) -> StringColumn:
        """Our words; null where the export has none."""
        name = c.EVENT_TYPE
        text = self._text_of(name) if self._is_text(name) else filled(self.raw[name].cast("string"))
        counted = self.raw.select(word=text).filter(ibis._.word.notnull()).group_by("word").agg(rows=ibis._.count())
        rows = counted.order_by(ibis.desc("rows"), "word").limit(_MOST_WORDS + 1).execute()
        counts = {str(word): int(count) for word, count in zip(rows["word"], rows["rows"], strict=True)}
        if len(counts) > _MOST_WORDS:
            raise InputError(
                f"{self.path}: expected a few event types in {c.EVENT_TYPE}, got more than {_MOST_WORDS:,}, like "
                f"{shown(list(counts)[:3])}; give the name to another column with "
                + setting("columns", {"another column": c.EVENT_TYPE})
            )
        ours = event_words(counts, self.data.event_types, str(self.path))
        return text.cases(*ours.items(), else_=None) if ours else text


def _check_names(path: Path) -> None:
    """Engines take USER_ID and user_id for one name, or rename one of them without a word."""
    with readable(path, "Parquet"):
        names = pq.read_schema(path if path.is_file() else next(iter(sorted(path.rglob("*.parquet"))))).names
    alike = Counter(name.lower() for name in names)
    repeated = [name for name in names if alike[name.lower()] > 1]
    if repeated:
        raise InputError(
            f"{path}: expected a name of its own for each column (upper and lower case are the same), got "
            f"{shown(repeated)}; rename or remove one in the file"
        )
