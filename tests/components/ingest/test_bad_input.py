"""Every bad input ends in one line that names the file and what is wrong, and leaves the last good tables in place."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from components.ingest.run import ingest
from model.data import columns as c
from model.errors import AisleError, CheckFailed, InputError
from model.files import tree_digests
from tests.worlds import at, purchases, run_settings, write

EVENTS = purchases(("u1", 0, "a b"), ("u1", 40, "a"), ("u1", 98, "a"))
ITEMS = pd.DataFrame({c.ITEM: ["a", "b"]})


def rewrite(change: Callable[[pd.DataFrame], pd.DataFrame], table: str = "events") -> Callable[[Path], None]:
    """Writes a changed table over the good one."""

    def apply(folder: Path) -> None:
        write(folder, **{table: change({"events": EVENTS, "items": ITEMS}[table])})

    return apply


def truncate(folder: Path) -> None:
    path = folder / "events.parquet"
    os.truncate(path, path.stat().st_size - 100)


def not_parquet(folder: Path) -> None:
    (folder / "events.parquet").write_text("user_id,item_id\n")


def twice(folder: Path) -> None:
    EVENTS.to_csv(folder / "Events.CSV", index=False)


def other_name(folder: Path) -> None:
    (folder / "events.parquet").rename(folder / "sales.xlsx")


def no_parquet_in_it(folder: Path) -> None:
    (folder / "events.parquet").unlink()
    (folder / "events").mkdir()
    EVENTS.to_csv(folder / "events" / "part-0.csv", index=False)


def parquet_as_csv(folder: Path) -> None:
    (folder / "events.parquet").rename(folder / "events.csv")


BAD = {
    "two files": (twice, InputError, "expected one file for the table events, got Events.CSV, events.parquet; remove"),
    "another name": (other_name, InputError, "expected events.parquet or events.csv, found items.parquet, sales.xlsx"),
    "a directory of CSV": (no_parquet_in_it, InputError, "in .parquet, found part-0.csv; make one CSV file of them"),
    "Parquet as CSV": (parquet_as_csv, InputError, "events.csv: expected text, got a file of Parquet; give it the"),
    "no items table": (lambda folder: (folder / "items.parquet").unlink(), InputError, "expected items.parquet"),
    "no events table": (lambda folder: (folder / "events.parquet").unlink(), InputError, "expected events.parquet"),
    "no user": (rewrite(lambda e: e.drop(columns=c.USER)), InputError, "events.parquet: expected column user_id"),
    "no item": (rewrite(lambda e: e.drop(columns=c.ITEM)), InputError, "events.parquet: expected column item_id"),
    "no time": (
        rewrite(lambda e: e.drop(columns=[c.TIME, c.BASKET])),
        InputError,
        "events.parquet: expected column event_time",
    ),
    "no item in items": (
        rewrite(lambda i: i.rename(columns={c.ITEM: "sku"}), "items"),
        InputError,
        "items.parquet: expected column item_id, found sku",
    ),
    "empty": (rewrite(lambda e: e[:0]), InputError, "events.parquet: expected at least one row"),
    "empty items": (rewrite(lambda i: i[:0], "items"), InputError, "items.parquet: expected at least one row"),
    "truncated": (truncate, InputError, "events.parquet: expected a readable Parquet file"),
    "not Parquet": (not_parquet, InputError, "events.parquet: expected a readable Parquet file"),
    "times as text": (
        rewrite(lambda e: e.assign(**{c.TIME: "yesterday"})),
        InputError,
        "events.parquet: expected timestamps or unix seconds in event_time (or text like 2015-12-13 18:30), got text "
        "like 'yesterday' in 4 rows; convert the column, or name another one with "
        """--set 'data.columns={"another column": "event_time"}'""",
    ),
    "times that are small numbers": (
        rewrite(lambda e: e.assign(**{c.TIME: [1, 2, 3, 4]})),
        InputError,
        "events.parquet: expected timestamps or unix seconds in event_time (or text like 2015-12-13 18:30), got "
        "numbers around 2.5;",
    ),
    "dates that read both ways": (
        rewrite(lambda e: e.assign(**{c.TIME: ["03-04-2020", "05-04-2020", "01-02-2020", "12-11-2020"]})),
        InputError,
        "events.parquet: expected dates in event_time of which one row shows whether the day or the month is first, "
        "got 4 rows that can be both, like '01-02-2020'; answer with --set data.day_first=true or "
        "--set data.day_first=false",
    ),
    "dates of both orders": (
        rewrite(lambda e: e.assign(**{c.TIME: ["13-04-2020", "04-14-2020", "01-02-2020", "12-11-2020"]})),
        InputError,
        "got 1 rows that are day first, like '13-04-2020', and 1 that are month first, like '04-14-2020'; answer with",
    ),
    "the export's names": (
        rewrite(lambda e: e.rename(columns={c.USER: "CustomerID", c.ITEM: "StockCode", c.TIME: "InvoiceDate"})),
        InputError,
        "events.parquet: expected column user_id and item_id and event_time, found CustomerID, StockCode, InvoiceDate, "
        "basket_id, store_id, price; rename or add it, or map the names with --set "
        """'data.columns={"CustomerID": "user_id", "StockCode": "item_id", "InvoiceDate": "event_time"}'""",
    ),
    "the export's event types": (
        rewrite(lambda e: e.assign(**{c.EVENT_TYPE: ["transaction", "addtocart", "it's", "addtocart"]})),
        InputError,
        "events.parquet: expected purchase, return, view, cart, click in event_type, got addtocart (2 rows), it's (1 "
        "rows), transaction (1 rows); map each to one of purchase, return, view, cart, ignore, starting from --set "
        """'data.event_types={"addtocart": "cart", "it'"'"'s": "ignore", "transaction": "purchase"}'""",
    ),
    "names that differ in case": (
        rewrite(lambda e: e.assign(User_ID="u1")),
        InputError,
        "events.parquet: expected a name of its own for each column (upper and lower case are the same), got user_id, "
        "User_ID; rename or remove one in the file",
    ),
    "quantity as text": (
        rewrite(lambda e: e.assign(**{c.QUANTITY: "two"})),
        InputError,
        "events.parquet: expected numbers in quantity, got text like two in 4 of 4 rows; convert the column",
    ),
    "no purchases": (
        rewrite(lambda e: e.assign(**{c.EVENT_TYPE: "return"})),
        InputError,
        "expected events of type purchase or view or cart, got none",
    ),
    "all before the cut": (
        rewrite(lambda e: e[e[c.TIME] < at(90)]),
        InputError,
        "expected a cut date after 2020-01-06 and not after 2020-02-15, got 2020-04-13",
    ),
    "all at once": (
        rewrite(lambda e: e.assign(**{c.TIME: at(3)})),
        InputError,
        "expected events on two days at least, to split time between them, got all on 2020-01-09",
    ),
    "only returns": (
        rewrite(lambda e: e.assign(**{c.QUANTITY: -1.0})),
        InputError,
        "got none (4 of type return); purchases have a quantity above zero",
    ),
    "too many dropped": (
        rewrite(lambda e: e.assign(**{c.QUANTITY: 0.0})),
        CheckFailed,
        "expected at most 5 % of event rows to be dropped, got 100.0 % (most: quantity zero or negative, 4 rows)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_the_last_good_tables_stay(tmp_path: Path, name: str) -> None:
    damage, kind, message = BAD[name]
    folder = write(tmp_path / "in", events=EVENTS, items=ITEMS)
    settings = run_settings(folder)
    ingest(data=settings.data, tables_dir=tmp_path / "out")
    good = tree_digests(tmp_path / "out")
    damage(folder)
    with pytest.raises(AisleError) as refused:
        ingest(data=settings.data, tables_dir=tmp_path / "out")
    assert type(refused.value) is kind
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert tree_digests(tmp_path / "out") == good
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_file_with_damaged_bytes_inside_is_an_input_error(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", events=EVENTS, items=ITEMS)
    path = folder / "events.parquet"
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"in.*expected.*readable"):
        ingest(data=run_settings(folder).data, tables_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_directory_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a directory with events.parquet and items.parquet, got .*nowhere"):
        ingest(data=run_settings(tmp_path / "nowhere").data, tables_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_every_row_is_dropped_the_message_has_the_reason(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", events=EVENTS.assign(**{c.QUANTITY: 0.0}), items=ITEMS)
    with pytest.raises(InputError, match=r"got 4 that cannot \(most: quantity zero or negative, 4 rows\)"):
        ingest(data=run_settings(folder, max_dropped_percent=100.0).data, tables_dir=tmp_path / "out")
