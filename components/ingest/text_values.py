"""Text out of any column: ids and attributes as an export writes them, and the marks for no value."""

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import BooleanColumn, Column, StringColumn

NO_VALUE = ("", "\\N", "NULL", "null", "NaN", "nan", "None", "<NA>", "NaT")
"""What databases and pandas write where there is no value."""
_WHOLE = r"^-?[0-9]+[.]0+$"
_LARGEST_WHOLE = 2.0**53


def filled(value: StringColumn) -> StringColumn:
    """The text without spaces around it; null where it is a mark for no value."""
    text = value.strip()
    return ibis.ifelse(text.isin(NO_VALUE), ibis.null("string"), text)


def is_fraction(value: StringColumn) -> BooleanColumn:
    """True for text that is not like 12.0: what pandas makes of whole numbers in a column with empty values."""
    return value.notnull() & ~value.re_search(_WHOLE)


def as_text(value: Column, *, whole: bool, marks: bool) -> StringColumn:
    """The values as text; 12 and 12.0 are both "12", and NaN is null.

    Args:
        whole: all values of a text column are like 12.0.
        marks: text that means no value is null.
    """
    kind = value.type()
    if isinstance(kind, dt.Floating | dt.Decimal):
        number = value.cast("float64")
        number = ibis.ifelse(number.isnan(), ibis.null("float64"), number)
        exact = (number == number.floor()) & (number.abs() < _LARGEST_WHOLE)
        integer = ibis.ifelse(exact, number, ibis.null("float64")).cast("int64").cast("string")
        return ibis.coalesce(integer, number.cast("string"))
    text = value.cast("string")
    if isinstance(kind, dt.String) and marks:
        text = ibis.ifelse(text.isin(NO_VALUE[1:]), ibis.null("string"), text)
    return text.re_replace(r"[.]0+$", "") if whole else text
