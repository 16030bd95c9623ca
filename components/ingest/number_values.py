"""Numbers out of any column: as numbers, or as text with a currency, marks of thousands and a decimal mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import Column, FloatingColumn, Scalar, StringColumn

Mark = Literal["", ".", ","]
"""The decimal mark; empty: no text shows one."""
_SPACES = "'\u2019 \u00a0\u202f"
_AMOUNT = rf"^[^0-9.,()+-]{{0,5}}([+-]?)[^0-9.,()+-]{{0,5}}([0-9.,{_SPACES}]*[0-9])[^0-9()]{{0,5}}$"
"""Sign and digits, with a currency before or after them."""
_EXPONENT = r"^[+-]?[0-9]*[.]?[0-9]+[eE][+-]?[0-9]+$"


def _proof(mark: str, other: str) -> str:
    """Digits that can only be written with this decimal mark: by what follows it, or by the other's place."""
    tail = rf"^[0-9]*[{mark}](?:[0-9]{{1,2}}|[0-9]{{4,}})$|^0?[{mark}][0-9]+$"
    return rf"{tail}|[{other}].*[{mark}]|[{other}].*[{other}]"


def _form(mark: str, other: str) -> str:
    return rf"^[0-9]{{1,3}}(?:[{other}][0-9]{{3}})+(?:[{mark}][0-9]+)?$|^[0-9]*(?:[{mark}][0-9]+)?$"


_PROOFS: dict[Mark, str] = {".": _proof(".", ","), ",": _proof(",", ".")}
_FORMS: dict[Mark, str] = {".": _form(".", ","), ",": _form(",", ".")}


@dataclass(frozen=True, kw_only=True)
class NumberValues:
    """One column of numbers, or of text without spaces around it. `evidence` is aggregated first: the decimal mark is a
    fact of the whole file."""

    value: Column

    @property
    def is_text(self) -> bool:
        return isinstance(self.value.type(), dt.String)

    def evidence(self) -> dict[str, Scalar]:
        """{name: aggregate}: values, those that are no number, one of these, and proofs of each decimal mark."""
        if not self.is_text:
            return {}
        text, digits = self.value, self._digits()
        wrong = text.notnull() & digits.isnull() & ~text.re_search(_EXPONENT)
        return {
            "filled": text.count(),
            "wrong": wrong.sum(),
            "example": ibis.ifelse(wrong, text, ibis.null("string")).min(),
            "points": digits.re_search(_PROOFS["."]).sum(),
            "commas": digits.re_search(_PROOFS[","]).sum(),
        }

    def read(self, mark: Mark) -> FloatingColumn:
        """The numbers, null where text is none; it is read with this decimal mark, a point if empty."""
        if not self.is_text:
            return self.value.cast("float64")
        text, digits = self.value, self._digits()
        decimal = mark or "."
        plain = digits.replace("," if decimal == "." else ".", "").replace(decimal, ".")
        number = ibis.ifelse(digits.re_search(_FORMS[decimal]), plain, ibis.null("string")).try_cast("float64")
        signed = ibis.ifelse(text.re_extract(_AMOUNT, 1) == "-", -number, number)
        power = ibis.ifelse(text.re_search(_EXPONENT), text, ibis.null("string")).try_cast("float64")
        return ibis.coalesce(power, signed)

    def _digits(self) -> StringColumn:
        """Digits and marks alone; null where the text has another form."""
        text = self.value
        digits = text.re_extract(_AMOUNT, 2).re_replace(f"[{_SPACES}]", "")
        return ibis.ifelse(text.re_search(_AMOUNT), digits, ibis.null("string"))


def decimal_mark(evidence: list[Mapping[str, Any]]) -> Mark:
    """The mark that more values of the file prove; a point where none does, empty without text."""
    if not evidence:
        return ""
    points, commas = (sum(int(column[name] or 0) for column in evidence) for name in ("points", "commas"))
    return "," if commas > points else "."
