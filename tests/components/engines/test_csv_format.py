"""The format of a CSV file is measured: encoding, delimiter, quote and escape."""

from pathlib import Path

import pytest

from components.engines.csv_format import csv_format
from model.errors import InputError

ROWS = ["item_id,title", "1,Tea", "2,Café", "3,Crème brûlée"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiter_and_encoding_are_measured(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("\n".join(ROWS).replace(",", delimiter).encode(encoding))
    form = csv_format(path)
    assert (form.delimiter, form.encoding, form.names) == (delimiter, encoding, ("item_id", "title"))


def test_bytes_that_windows_does_not_have_are_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"item_id,title\n1,caf\xe9 \x81\n")
    assert csv_format(path).encoding == "latin-1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('item_id,title\n1,"Tea, green"\n2,"12"" plate"\n', (",", '"', '"')),
        ("item_id;title\n1;'Tea; green'\n2;'it''s'\n", (";", "'", "'")),
        ('item_id,title\n1,"Tea, \\"green\\""\n2,"plate"\n', (",", '"', "\\")),
        ("item_id\nTea, green\nplate\n", (";", '"', '"')),  # one column: a comma is part of a title
        ('item_id,size\n1,12" round\n2,5"\n', (",", '"', '"')),
        ('item_id,title\n1,"two\nlines; of, text"\n', (",", '"', '"')),
    ],
)
def test_quotes_and_escapes_are_measured(tmp_path: Path, text: str, expected: tuple[str, str, str]) -> None:
    path = tmp_path / "items.csv"
    path.write_text(text, encoding="utf-8")
    form = csv_format(path)
    assert (form.delimiter, form.quote, form.escape) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header and at least one row, got an empty file; leave it out or fill it"),
        ("item_id,title\n", "expected at least one row, got an empty table; leave the file out or fill it"),
        (
            "item_id,title\n1,Tea\n2,Tea,green\n3\n",
            "expected 2 values in each row, as in the header, got another number in 2 of 3 rows, first in row 3: "
            "'2', 'Tea', 'green'; mend or remove them",
        ),
        (
            "id,ID\n1,2\n",
            "expected a header with a name of its own for each column (upper and lower case are the same)",
        ),
        ("id,\n1,2\n", "got 'id', ''; write the names into the first line"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        csv_format(path)
    assert str(refused.value).startswith(f"{path}: ") and message in str(refused.value)
    assert "\n" not in str(refused.value)
