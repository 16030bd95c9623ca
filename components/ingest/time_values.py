"""Moments out of any column: timestamps, dates, numbers of any unit, and text; all in UTC, to the microsecond."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import BooleanColumn, Column, IntegerColumn, Scalar, StringColumn, TimestampColumn

from components.engines.engine import Engine, whole_micros
from tfx_configs.units import DAY_S

_CLOCK = r"(?:[T ,]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)? ?([AaPp][Mm])?)?"
_ZONE = r" ?(Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?$"
_YEAR_FIRST = r"^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})" + _CLOCK + _ZONE
_YEAR_LAST = r"^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})" + _CLOCK + _ZONE
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"((?i:{'|'.join(_MONTHS)})[A-Za-z]*)"
_WEEKDAY = r"^(?:[A-Za-z]+,? +)?"
_NAME_SECOND = rf"{_WEEKDAY}([0-9]{{1,2}})[-/. ]+{_MONTH}[-/., ]+([0-9]{{4}}|[0-9]{{2}})" + _CLOCK + _ZONE
_NAME_FIRST = rf"{_WEEKDAY}{_MONTH}[-/. ]+([0-9]{{1,2}})[-/, ]+([0-9]{{4}})" + _CLOCK + _ZONE
"""Text with an English name of the month, like 13 Dec 2015 and Dec 13, 2015."""
_NUMBER = r"^[0-9]+(?:[.][0-9]+)?(?:[eE][+]?[0-9]+)?$"
_HOUR, _MINUTE, _SECOND, _FRACTION, _HALF, _OFFSET = range(4, 10)
"""Groups of all patterns after the three of the date."""
_DATES, _EXCEL = "YYYYMMDD", "days of Excel"
_EXCEL_1970 = 25_569
"""The day number of 1970-01-01 in Excel."""
_UNITS = {
    _EXCEL: (32_874.0, 54_789.0),
    _DATES: (19_000_101.0, 21_001_231.0),
    "seconds": (1e8, 1e10),
    "milliseconds": (1e11, 1e13),
    "microseconds": (1e14, 1e16),
    "nanoseconds": (1e17, 1e19),
}
"""{unit: the medians that speak for it}: 1973 to 2286, and of Excel 1990 to 2049."""
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_LAST_SECOND = 260_000_000_000
"""In the year 10209: numbers beyond are no times, and no product overflows."""


class AmbiguousDates(Exception):
    """Text dates that read day first and month first; the message shows rows."""


class NoTimes(Exception):
    """Most values of the column are no times; the message shows one."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What a column was read as: its timestamps, null where a value is none, and the forms.

    `written`: of numbers, the rows with one; None where every value is a time, and of text.
    """

    value: TimestampColumn
    written: BooleanColumn | None = None
    date_format: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class TimeValues:
    """One column of times, text without spaces around it. `evidence` is aggregated first: unit and order are facts of
    the whole column."""

    engine: Engine
    value: Column

    def evidence(self) -> dict[str, Scalar]:
        """{name: aggregate} of what decides how the column is read."""
        kind = self.value.type()
        if isinstance(kind, dt.Numeric) and not isinstance(kind, dt.Boolean):
            return {"median": _finite(self.value).median()}
        if not isinstance(kind, dt.String):
            return {}
        text = self.value
        number, dated = text.re_search(_NUMBER), text.re_search(_YEAR_LAST)
        first, second = (text.re_extract(_YEAR_LAST, group).try_cast("int64") for group in (1, 2))
        day_first, month_first = dated & (first > 12) & (second <= 12), dated & (second > 12) & (first <= 12)
        named = {"name_second": text.re_search(_NAME_SECOND), "name_first": text.re_search(_NAME_FIRST)}
        wrong = text.notnull() & ~number & ~dated & ~text.re_search(_YEAR_FIRST) & ~ibis.or_(*named.values())
        kinds = {
            **named,
            "numbers": number,
            "year_first": text.re_search(_YEAR_FIRST),
            "year_last": dated,
            "day_first": day_first,
            "month_first": month_first,
            "wrong": wrong,
        }
        counts = {name: condition.sum() for name, condition in kinds.items()}
        examples = {
            f"{name}_example": ibis.ifelse(kinds[name], text, ibis.null("string")).min()
            for name in ("year_last", "day_first", "month_first", "wrong")
        }
        median = ibis.ifelse(number, text, ibis.null("string")).try_cast("float64").median()
        return {"filled": text.count(), "median": median, **counts, **examples}

    def read(self, evidence: Mapping[str, Any], day_first: bool | None) -> Moments:
        """The moments.

        Args:
            evidence: the values of `evidence`, by name.
            day_first: of text dates that read both ways.

        Raises:
            AmbiguousDates: text dates read both ways and `day_first` is None.
            NoTimes: most values are no times.
        """
        kind = self.value.type()
        if isinstance(kind, dt.Timestamp | dt.Date):
            moment = self.value.cast("timestamp(6)")
            return Moments(value=moment, date_format=type(kind).__name__.lower())
        if not isinstance(kind, dt.String | dt.Numeric) or isinstance(kind, dt.Boolean):
            raise NoTimes(f"values of type {kind}")
        if not isinstance(kind, dt.String):
            unit = _unit(evidence["median"])
            finite = _finite(self.value)
            micros = self._micros(_whole(finite, kind), _rest(finite, kind), unit)
            missing = self.value.isnull() | (self.value.cast("float64").isnan())
            return Moments(value=self._moment(micros), written=~missing, unit=unit)
        return self._of_text(evidence, day_first)

    def _of_text(self, evidence: Mapping[str, Any], day_first: bool | None) -> Moments:
        text = self.value
        if evidence["wrong"] * 2 > evidence["filled"]:
            raise NoTimes(f"text like {str(evidence['wrong_example'])[:40]!r} in {int(evidence['wrong']):,} rows")
        options, formats, unit = [], [], ""
        if evidence["year_first"]:
            options.append(_instant(text, _YEAR_FIRST, (1, 2, 3)))
            formats.append("YYYY-MM-DD")
        if evidence["year_last"]:
            is_day_first = _order(evidence, day_first)
            options.append(_instant(text, _YEAR_LAST, (3, 2, 1) if is_day_first else (3, 1, 2)))
            formats.append("DD-MM-YYYY" if is_day_first else "MM-DD-YYYY")
        if evidence["name_second"]:
            options.append(_instant(text, _NAME_SECOND, (3, 2, 1)))
            formats.append("DD Mon YYYY")
        if evidence["name_first"]:
            options.append(_instant(text, _NAME_FIRST, (3, 1, 2)))
            formats.append("Mon DD YYYY")
        if evidence["numbers"]:
            unit = _unit(evidence["median"])
            digits = ibis.ifelse(text.re_search(_NUMBER), text, ibis.null("string"))
            number = digits.try_cast("float64")
            integer = ibis.ifelse(digits.re_search("^[0-9]+$"), digits, ibis.null("string"))  # DuckDB rounds 1.5 to 2
            whole = ibis.coalesce(integer.try_cast("int64"), _whole(number, number.type()))
            options.append(self._micros(whole, _rest(number, number.type()), unit))
        moment = self._moment(ibis.coalesce(*options) if options else ibis.null("int64"))
        return Moments(value=moment, date_format=", ".join(formats), unit=unit)

    def _moment(self, micros: IntegerColumn) -> TimestampColumn:
        return self.engine.moment(micros).cast("timestamp(6)")

    def _micros(self, whole: IntegerColumn, rest: Column, unit: str) -> IntegerColumn:
        """Microseconds of a number's whole and broken part."""
        if unit == _DATES:
            text = whole.cast("string")
            return _day_micros(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2))
        if unit == _EXCEL:  # to a second: a day's fraction is written with a few digits
            days = ibis.ifelse(whole.between(0, 10 * _EXCEL_1970), whole, ibis.null("int64")) - _EXCEL_1970
            return (days * DAY_S + (rest * DAY_S).round().cast("int64")) * 10**6
        per_second = _PER_SECOND[unit]
        last = min(_LAST_SECOND * per_second, 2**63 - 1)
        whole = ibis.ifelse(whole.between(0, last), whole, ibis.null("int64"))
        if per_second > 10**6:
            return whole_micros(whole)
        micros = 10**6 // per_second
        return whole * micros + (rest * micros).round().cast("int64")


def _finite(value: Column) -> Column:
    """Numbers without NaN and infinity."""
    if not isinstance(value.type(), dt.Floating):
        return value
    return ibis.ifelse(value.isnan() | (value.abs() == float("inf")), ibis.null(value.type()), value)


def _whole(value: Column, kind: dt.DataType) -> IntegerColumn:
    """Null beyond 64 bits."""
    return (value if isinstance(kind, dt.Integer) else value.cast("float64").floor()).try_cast("int64")


def _rest(value: Column, kind: dt.DataType) -> Column:
    """What a number has after its point."""
    if isinstance(kind, dt.Integer):
        return ibis.literal(0.0)
    number = value.cast("float64")
    return number - number.floor()


def _unit(median: Any) -> str:
    """The unit that the middle number speaks for. Raises NoTimes."""
    number = -1.0 if median is None or median != median else float(median)
    for unit, (low, high) in _UNITS.items():
        if low <= number <= high:
            return unit
    raise NoTimes("no number" if number < 0 else f"numbers around {number:g}")


def _order(evidence: Mapping[str, Any], day_first: bool | None) -> bool:
    """True where the day precedes the month. Raises AmbiguousDates."""
    days, months = int(evidence["day_first"]), int(evidence["month_first"])
    if bool(days) != bool(months):
        return bool(days)
    if day_first is not None:
        return day_first
    if days:
        raise AmbiguousDates(
            f"{days:,} rows that are day first, like {evidence['day_first_example']!r}, and {months:,} that are month "
            f"first, like {evidence['month_first_example']!r}"
        )
    count = int(evidence["year_last"])
    raise AmbiguousDates(f"{count:,} rows that can be both, like {evidence['year_last_example']!r}")


def _instant(text: StringColumn, pattern: str, date: tuple[int, int, int]) -> IntegerColumn:
    """Unix microseconds of text in the pattern, null where it is no date; `date`: groups of year, month, day."""

    def number(group: int) -> Column:
        return text.re_extract(pattern, group).try_cast("int64")

    year = text.re_extract(pattern, date[0])
    short = year.try_cast("int64")
    century = ibis.ifelse(short >= 70, 1900, 2000)
    full = ibis.ifelse(year.length() == 2, (short + century).cast("string"), year)
    month = text.re_extract(pattern, date[1])
    if pattern in (_NAME_SECOND, _NAME_FIRST):
        numbers = {name: str(number) for number, name in enumerate(_MONTHS, start=1)}
        month = month.lower().substr(0, 3).cases(*numbers.items(), else_="")
    day = _day_micros(full, month.lpad(2, "0"), text.re_extract(pattern, date[2]).lpad(2, "0"))
    half, hour = text.re_extract(pattern, _HALF).upper(), number(_HOUR).fill_null(0)
    hour = ibis.cases(((half == "PM") & (hour < 12), hour + 12), ((half == "AM") & (hour == 12), 0), else_=hour)
    minute, second = number(_MINUTE).fill_null(0), number(_SECOND).fill_null(0)
    fraction = (text.re_extract(pattern, _FRACTION) + "000000").substr(0, 6).try_cast("int64").fill_null(0)
    offset = text.re_extract(pattern, _OFFSET)
    ahead = offset.substr(1, 2).try_cast("int64") * 3600 + offset.re_extract("([0-9]{2})$", 1).try_cast(
        "int64"
    ) * 60 * (offset.length() > 3).ifelse(1, 0)
    ahead = ibis.cases((offset.startswith("+"), ahead), (offset.startswith("-"), -ahead), else_=0)
    clock = (hour * 3600 + minute * 60 + second - ahead) * 10**6 + fraction
    possible = (hour < 24) & (minute < 60) & (second < 60)
    return ibis.ifelse(text.re_search(pattern) & possible, day + clock, ibis.null("int64"))


def _day_micros(year: StringColumn, month: StringColumn, day: StringColumn) -> IntegerColumn:
    """Unix microseconds at midnight UTC; null where there is no such day."""
    date = (year + "-" + month + "-" + day).try_cast("date")
    return date.cast("timestamp(6)").epoch_seconds().cast("int64") * 10**6
