"""How a CSV file is written: encoding, delimiter, quote and escape, and its columns. Both engines read by this."""

import codecs
import csv
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'")
_SAMPLE_ROWS = 1000
_SAMPLE_CHARACTERS = 1 << 20
_BLOCK_BYTES = 1 << 20
_LONGEST_VALUE = 1 << 24
"""Characters of one value, which a quote that is never closed would run over."""
_BINARY = {
    b"PAR1": ("Parquet", "give it the ending .parquet"),
    b"\x1f\x8b": ("gzip", "give it the ending .csv.gz"),
    b"PK\x03\x04": ("zip or Excel", "write it as CSV"),
}
"""{first bytes of files that are no text: (what they are, what to do)}"""
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """The format of one file with a header.

    Example:
        >>> CsvFormat(encoding="utf-8", delimiter=";", quote='"', escape='"', names=("user_id", "price")).delimiter
        ';'
    """

    encoding: str
    """Python's name of it; utf-8-sig and utf-16 start with a byte order mark."""
    delimiter: str
    quote: str
    escape: str
    """What precedes a quote inside a quoted value: the quote itself, or a backslash."""
    names: tuple[str, ...]
    """Of the columns, as in the header, without the spaces around them."""

    def rows(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """The values of each line that is not empty, the header's too."""
        doubled = self.escape == self.quote
        csv.field_size_limit(_LONGEST_VALUE)
        return filter(
            None,
            csv.reader(
                lines,
                delimiter=self.delimiter,
                quotechar=self.quote,
                doublequote=doubled,
                escapechar=None if doubled else self.escape,
            ),
        )


def csv_format(path: Path) -> CsvFormat:
    """The format of the file, which is read to its end: each row has as many values as the header.

    Raises:
        InputError: the file is empty or no text, its columns have no names or the same, or a row has more or fewer
            values.
    """
    status = path.stat()
    return _format(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=16)
def _format(path: Path, changed_ns: int, size: int) -> CsvFormat:
    """As csv_format; a file that did not change is read once."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as text:
        sample = text.read(_SAMPLE_CHARACTERS)
    if not sample.strip():
        raise InputError(f"{path}: expected a header and at least one row, got an empty file; leave it out or fill it")
    form = max(_candidates(encoding, sample), key=lambda candidate: _fit(candidate, sample))
    repeated = [name for name, count in Counter(name.lower() for name in form.names).items() if count > 1]
    if repeated or "" in form.names:
        raise InputError(
            f"{path}: expected a header with a name of its own for each column (upper and lower case are the same), "
            f"got {_shown(form.names)}; write the names into the first line"
        )
    with path.open(encoding=encoding, newline="") as lines:
        _check_rows(path, form, lines)
    return form


def _encoding(path: Path) -> str:
    """By its byte order mark, by zero bytes (UTF-16), or UTF-8 if all bytes are that, else Windows' Western one."""
    with path.open("rb") as content:
        start = content.read(1000)
        for mark, (kind, what_to_do) in _BINARY.items():
            if start.startswith(mark):
                raise InputError(f"{path}: expected text, got a file of {kind}; {what_to_do}")
        for mark, name in _BOMS.items():
            if start.startswith(mark):
                return name
        for place, name in enumerate(("utf-16-be", "utf-16-le")):
            if start[place::2].count(0) > len(start) / 4:
                return name
        content.seek(0)
        decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252", "latin-1")}
        for block in itertools.chain(iter(lambda: content.read(_BLOCK_BYTES), b""), [b""]):
            for name, decoder in list(decoders.items()):
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError:
                    del decoders[name]
    return next(iter(decoders))


def _candidates(encoding: str, sample: str) -> Iterator[CsvFormat]:
    escaped = "\\" if '\\"' in sample or "\\'" in sample else ""
    for delimiter, quote in itertools.product(DELIMITERS, QUOTES):
        for escape in (quote, *escaped):
            bare = CsvFormat(encoding=encoding, delimiter=delimiter, quote=quote, escape=escape, names=())
            try:
                header = next(bare.rows(iter(sample.splitlines(keepends=True))), [])
            except csv.Error:
                continue
            names = tuple(name.strip() for name in header)
            yield CsvFormat(encoding=encoding, delimiter=delimiter, quote=quote, escape=escape, names=names)


def _fit(form: CsvFormat, sample: str) -> tuple[float, ...]:
    """Larger is better: rows as wide as the header, several columns, few quotes left inside values, many columns."""
    lines = sample.splitlines(keepends=True)
    try:
        rows = list(itertools.islice(form.rows(iter(lines[:-1] if len(lines) > 2 else lines)), _SAMPLE_ROWS))
    except csv.Error:
        return (0.0, 0, 0, 0)
    width = len(form.names)
    even = sum(len(row) == width for row in rows) / len(rows)
    quoted = sum(value[:1] in QUOTES and value[-1:] in QUOTES for row in rows for value in row)
    escapes = sum('\\"' in value or "\\'" in value or value.endswith("\\") for row in rows for value in row)
    return (round(even, 2) if width > 1 else even / 2, -quoted - escapes, width)


def _check_rows(path: Path, form: CsvFormat, lines: Iterator[str]) -> None:
    uneven: list[tuple[int, list[str]]] = []
    count = -1
    try:
        for count, row in enumerate(form.rows(lines)):
            if len(row) != len(form.names):
                uneven.append((count + 1, row[:5]))
    except csv.Error as error:
        raise InputError(f"{path}: row {count + 2}: expected values of a table, got {error}; mend the row") from None
    if count == 0:
        raise InputError(f"{path}: expected at least one row, got an empty table; leave the file out or fill it")
    if uneven:
        row_number, example = uneven[0]
        raise InputError(
            f"{path}: expected {len(form.names)} values in each row, as in the header, got another number in "
            f"{len(uneven):,} of {count:,} rows, first in row {row_number}: {_shown(example)}; mend or remove them"
        )


def _shown(values: Sequence[str]) -> str:
    return ", ".join(repr(value[:40]) for value in values[:20])
