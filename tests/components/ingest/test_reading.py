"""Every form in which shops write times, numbers and ids is read as the same moments, numbers and ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.artifacts.tables import FileFormat, IngestReport
from components.engines.engine import Engine, open_engine
from components.ingest import canonical
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import CheckFailed, InputError
from tests.worlds import run_settings, write

ITEMS = pd.DataFrame({c.ITEM: ["a", "b"]})
MOMENTS = pd.to_datetime(
    ["2020-01-13 18:30:05.25", "2020-02-01 00:00:00", "2020-04-14 09:05:59.000001"], format="ISO8601"
)
SECONDS = [1_578_940_205.25, 1_580_515_200.0, 1_586_855_159.000001]
DAYS = pd.to_datetime(["2020-01-13", "2020-02-01", "2020-04-14"])


def events(times: Any, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({c.USER: "u1", c.ITEM: ["a", "b", "a"], c.TIME: times} | columns)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for the tests that do not need what ingest writes."""
    with open_engine(run_settings(Path("in")).data, tmp_path_factory.getbasetemp()) as duckdb:
        yield duckdb


def source(engine: Engine, table: pd.DataFrame, folder: Path, **data: Any) -> tuple[pd.DataFrame, FileFormat]:
    """The events as read from a Parquet file, nothing dropped, in the order of their times; and the file's form."""
    write(folder, events=table, items=ITEMS)
    made = canonical.read(engine, folder, run_settings(folder, **data).data)
    assert not made.drop or not made.events.filter(ibis.or_(*made.drop.values())).count().execute()
    return made.events.order_by(c.TIME).execute(), made.files[0]


def read(table: pd.DataFrame, folder: Path, **data: Any) -> tuple[pd.DataFrame, IngestReport]:
    """The events that ingest wrote of a Parquet file, in the order of their times, and its report."""
    write(folder / "in", events=table, items=ITEMS)
    return ingested(folder, **data)


def ingested(folder: Path, **data: Any) -> tuple[pd.DataFrame, IngestReport]:
    report = ingest(data=run_settings(folder / "in", **data).data, tables_dir=folder / "out")
    return pq.read_table(folder / "out" / "events").to_pandas().sort_values(c.TIME, ignore_index=True), report


TIMES: dict[str, tuple[Any, Any, str]] = {
    "float seconds": (SECONDS, MOMENTS, "seconds"),
    "whole seconds": ([int(s) for s in SECONDS], MOMENTS.floor("s"), "seconds"),
    "milliseconds": ([int(s * 1e3) for s in SECONDS], MOMENTS.floor("ms"), "milliseconds"),
    "float milliseconds": ([s * 1e3 for s in SECONDS], MOMENTS, "milliseconds"),
    "microseconds": ([round(s * 1e6) for s in SECONDS], MOMENTS, "microseconds"),
    "nanoseconds": ([round(s * 1e6) * 1000 + 999 for s in SECONDS], MOMENTS, "nanoseconds"),
    "unsigned": (pd.array([round(s * 1e6) * 1000 for s in SECONDS], dtype="uint64"), MOMENTS, "nanoseconds"),
    "Excel": ([43843.770891, 43862.0, 43935.379155], MOMENTS.floor("s"), "days of Excel"),
    "Excel days": ([43843, 43862, 43935], DAYS, "days of Excel"),
    "Excel as text": (["43843.7708912", "43862", "43935.3791551"], MOMENTS.floor("s"), "days of Excel"),
    "YYYYMMDD": ([20200113, 20200201, 20200414], DAYS, "YYYYMMDD"),
    "seconds as text": ([f"{s:.6f}" for s in SECONDS], MOMENTS, "seconds"),
    "seconds as text, the last half of them": (
        [f"{s + 0.5:.6f}" for s in SECONDS],
        MOMENTS + pd.Timedelta(0.5, "s"),
        "seconds",
    ),
    "nanoseconds as text": ([str(round(s * 1e6) * 1000) for s in SECONDS], MOMENTS, "nanoseconds"),
    "YYYYMMDD as text": (["20200113", "20200201", "20200414"], DAYS, "YYYYMMDD"),
}
TEXTS: dict[str, tuple[list[str], Any, str]] = {
    "ISO": (["2020-01-13T18:30:05.25Z", "2020-02-01T00:00:00Z", "2020-04-14T09:05:59.000001Z"], MOMENTS, "YYYY-MM-DD"),
    "an offset": (
        ["2020-01-13 19:30:05.250+01:00", "2020-01-31 19:00:00-0500", "2020-04-14 09:05:59.000001 UTC"],
        MOMENTS,
        "YYYY-MM-DD",
    ),
    "an offset of hours": (
        ["2020-01-13 19:30:05.250+01", "2020-02-01 05:30:00+05:30", "2020-04-14 09:05:59.000001"],
        MOMENTS,
        "YYYY-MM-DD",
    ),
    "dates": (["2020-01-13", "2020/2/1", "2020.04.14"], DAYS, "YYYY-MM-DD"),
    "day first": (["13-12-2019", "01-02-2020", "14-04-2020"], pd.to_datetime(["2019-12-13", *DAYS[1:]]), "DD-MM-YYYY"),
    "day first with dots": (["13.1.2020 18:30", "1.2.2020 0:00", "14.4.2020 9:05"], MOMENTS.floor("min"), "DD-MM-YYYY"),
    "month first": (["1/13/2020 18:30", "2/1/2020 0:00", "4/14/2020 9:05"], MOMENTS.floor("min"), "MM-DD-YYYY"),
    "twelve hours": (
        ["1/13/20 6:30 PM", "2/1/20 12:00 AM", "4/14/20 9:05 am"],
        MOMENTS.floor("min"),
        "MM-DD-YYYY",
    ),
    "the month's name second": (
        ["13 Jan 2020 18:30", "1-FEB-20 00:00", "14. april 2020, 9:05 AM"],
        MOMENTS.floor("min"),
        "DD Mon YYYY",
    ),
    "the month's name first": (
        ["Jan 13, 2020 6:30 PM", "February 1 2020 00:00", "Apr. 14, 2020 09:05"],
        MOMENTS.floor("min"),
        "Mon DD YYYY",
    ),
    "mail": (
        ["Mon, 13 Jan 2020 19:30:00 +0100", "Sat, 1 Feb 2020 00:00:00 GMT", "14 Apr 2020 09:05:00 +0000"],
        MOMENTS.floor("min"),
        "DD Mon YYYY",
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_numbers_are_times_by_their_magnitude(engine: Engine, tmp_path: Path, name: str) -> None:
    times, expected, unit = TIMES[name]
    rows, form = source(engine, events(times), tmp_path)
    assert rows[c.TIME].tolist() == list(expected)
    assert form.time_unit == unit


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_a_time_in_every_order_and_zone(engine: Engine, tmp_path: Path, name: str) -> None:
    times, expected, order = TEXTS[name]
    rows, form = source(engine, events(times), tmp_path)
    assert rows[c.TIME].tolist() == list(expected)
    assert form.date_format == order


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_timestamps_of_any_unit_and_zone_are_utc(engine: Engine, tmp_path: Path, unit: str, zone: str | None) -> None:
    stamps = pa.array(MOMENTS.floor("s")).cast(pa.timestamp("ns")).cast(pa.timestamp(unit, "UTC"))
    stored = stamps.cast(pa.timestamp(unit, zone)) if zone else stamps.cast(pa.timestamp(unit))
    write(tmp_path, items=ITEMS)
    table = pa.table({c.USER: ["u1"] * 3, c.ITEM: ["a", "b", "a"], c.TIME: stored})
    pq.write_table(table, tmp_path / "events.parquet")
    made = canonical.read(engine, tmp_path, run_settings(tmp_path).data)
    assert sorted(made.events.execute()[c.TIME]) == list(MOMENTS.floor("s"))
    assert made.files[0].date_format == "timestamp"


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_the_setting_answers_where_both_orders_fit(engine: Engine, tmp_path: Path, day_first: bool, month: int) -> None:
    rows, _ = source(engine, events(["03/04/2020", "02/01/2020", "05/05/2020"]), tmp_path, day_first=day_first)
    assert month in rows[c.TIME].dt.month.tolist()


def many(**columns: Any) -> pd.DataFrame:
    """A hundred days with one event each; columns of it may be changed by row."""
    table = pd.DataFrame({c.USER: "u1", c.ITEM: "a", c.TIME: pd.date_range("2020-01-06", periods=100), **columns})
    return table.astype({c.TIME: "datetime64[us]"})


def test_times_far_from_all_others_are_dropped_and_the_cut_stays(tmp_path: Path) -> None:
    """Unix time 0, a date far ahead, a year that was mistyped, and no time at all."""
    table = many()
    table.loc[[3, 4], c.TIME] = [pd.Timestamp(0), pd.Timestamp("2199-12-31")]
    table.loc[5, c.TIME] = None
    rows, report = read(table, tmp_path, cut_date=None, max_dropped_percent=10)
    _, expected = read(many().drop([3, 4, 5]), tmp_path / "clean", cut_date=None)
    assert report.dropped == {
        "event_time before 1990, after tomorrow or far from all others": 2,
        "event_time missing": 1,
    }
    assert (len(rows), report.cut) == (97, expected.cut)


def test_a_time_that_is_possible_but_far_from_thousands_of_others_is_dropped(tmp_path: Path) -> None:
    """2,400 events in a hundred days of 2020, and one in 2010: 0.05 % is one row and a bit."""
    table = pd.concat([many().assign(**{c.USER: f"u{i}"}) for i in range(24)], ignore_index=True)
    table.loc[7, c.TIME] = pd.Timestamp("2010-01-01")
    _, report = read(table, tmp_path, cut_date=None)
    assert report.dropped == {"event_time before 1990, after tomorrow or far from all others": 1}
    assert str(pd.Timestamp(report.first_event_s, unit="s").date()) == "2020-01-06"


def test_single_times_that_cannot_be_read_are_dropped_and_counted(tmp_path: Path) -> None:
    times = [f"{day:%d.%m.%Y}" for day in pd.date_range("2020-01-06", periods=100)]
    table = many().assign(**{c.TIME: ["31.02.2020", "soon", "", *times[3:]]})
    _, report = read(table, tmp_path)
    assert report.dropped == {"event_time unreadable": 2, "event_time missing": 1}


@pytest.mark.parametrize(
    ("prices", "expected", "mark"),
    [
        (["£1,234.50", "£0.99", "£1,000,000"], [1234.5, 0.99, 1_000_000.0], "."),
        (["1.234,50 €", "12,5", "1.000.000 €"], [1234.5, 12.5, 1_000_000.0], ","),
        (["CHF 1'234.50", "-2.5", ".5"], [1234.5, -2.5, 0.5], "."),
        (["1\u00a0234,50", "3,-", "12"], [1234.5, 3.0, 12.0], ","),
        (["1.250", "0.375", "1e3"], [1.25, 0.375, 1000.0], "."),
        (["1.234", "12,50", "NULL"], [1234.0, 12.5, None], ","),
        (["", "nan", "7"], [None, None, 7.0], "."),
    ],
)
def test_prices_are_read_with_currency_thousands_and_the_decimal_mark_of_the_file(
    engine: Engine, tmp_path: Path, prices: list[str], expected: list[float | None], mark: str
) -> None:
    rows, form = source(engine, events(MOMENTS, **{c.PRICE: prices}), tmp_path)
    assert [None if price != price else price for price in rows[c.PRICE]] == expected
    assert form.decimal_mark == mark


def test_a_price_that_is_no_number_is_counted_and_missing(tmp_path: Path) -> None:
    rows, report = read(many(**{c.PRICE: ["on request", *["2.50"] * 99]}), tmp_path)
    assert report.repaired["price unreadable, missing instead"] == 1 and rows[c.PRICE].isna().sum() == 1


def test_a_quantity_that_is_no_number_is_dropped_not_taken_for_one(tmp_path: Path) -> None:
    table = many(**{c.QUANTITY: ["two", "1-2", *["2"] * 98]})
    rows, report = read(table, tmp_path)
    assert report.dropped == {"quantity unreadable": 2} and rows[c.QUANTITY].eq(2).all()


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param([12, 7, 12], id="integers"),
        pytest.param([12.0, 7.0, 12.0], id="floats"),
        pytest.param(["12", "7", "12"], id="text"),
        pytest.param(["12.0", "7.0", "12.0"], id="text of floats"),
    ],
)
def test_ids_are_the_same_text_in_every_form(engine: Engine, tmp_path: Path, ids: list[Any]) -> None:
    rows, _ = source(engine, events(MOMENTS, **{c.USER: ids}), tmp_path)
    assert rows[c.USER].tolist() == ["12", "7", "12"]


@pytest.mark.parametrize("nothing", [float("nan"), "nan"])
def test_ids_that_pandas_made_of_nothing_are_missing(engine: Engine, tmp_path: Path, nothing: Any) -> None:
    ids = [nothing, *([3.0] * 2 if isinstance(nothing, float) else ["anna"] * 2)]
    assert source(engine, events(MOMENTS, **{c.USER: ids}), tmp_path)[0][c.USER].isna().sum() == 1


def test_leading_zeros_and_versions_stay(engine: Engine, tmp_path: Path) -> None:
    rows, _ = source(engine, events(MOMENTS, **{c.USER: ["007", "1.0", "1.5"]}), tmp_path)
    assert rows[c.USER].tolist() == ["007", "1.0", "1.5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_of_any_form_is_read_and_stated(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "in").mkdir()
    lines = [
        "user_id; item_id;event_time;price",
        '12.0;"Crème; brûlée";13.01.2020 18:30;"1.234,50 €"',
        "7.0;b;01.02.2020;12,5",
        ' 12.0 ;"the ""b""";14.04.2020 9:05;NULL',
    ]
    (tmp_path / "in" / "events.csv").write_bytes("\r\n".join(lines).encode(encoding))
    (tmp_path / "in" / "items.tsv").write_text("item_id\ttitle\nb\tTea, green\n", encoding="utf-8")
    rows, report = ingested(tmp_path)
    assert rows[c.USER].tolist() == ["12", "7", "12"]
    assert rows[c.ITEM].tolist() == ["Crème; brûlée", "b", 'the "b"']
    assert rows[c.TIME].tolist() == list(MOMENTS.floor("min"))
    assert rows[c.PRICE].fillna(-1).tolist() == [1234.5, 12.5, -1.0]
    assert report.files == (
        FileFormat(
            file="events.csv",
            delimiter=";",
            quote='"',
            encoding=encoding,
            decimal_mark=",",
            date_format="DD-MM-YYYY",
        ),
        FileFormat(file="items.tsv", delimiter="\t", quote='"', encoding="utf-8"),
    )


def test_columns_and_event_types_are_mapped_by_the_settings(tmp_path: Path) -> None:
    table = many(kind=["transaction", "Click", "spam", *["transaction"] * 97]).rename(columns={c.USER: "visitor"})
    items = pd.DataFrame({"id": ["a"], "visitor": "not a shopper"})
    write(tmp_path / "in", events=table, items=items)
    rows, report = ingested(
        tmp_path,
        columns={"events.visitor": c.USER, "id": c.ITEM, "kind": c.EVENT_TYPE},
        event_types={"transaction": c.PURCHASE, "spam": "ignore"},
    )
    assert rows[c.EVENT_TYPE].value_counts().to_dict() == {c.PURCHASE: 98, "view": 1}
    assert rows[c.USER].eq("u1").all()
    assert report.repaired["events of a type that is set to ignore, left out"] == 1
    assert "visitor" in pq.read_schema(tmp_path / "out" / "items.parquet").names


def test_a_mapping_of_a_column_that_no_table_has_is_refused(tmp_path: Path) -> None:
    message = r"setting data.columns: expected a column of the tables, got custmer; they have events: user_id, item_id"
    with pytest.raises(InputError, match=message):
        read(events(MOMENTS), tmp_path, columns={"custmer": c.USER})


def test_too_many_unreadable_times_are_refused_with_their_reason(tmp_path: Path) -> None:
    times = ["2020-01-13", "soon", "2020-04-14"]
    with pytest.raises(CheckFailed, match=r"got 33.3 % \(most: event_time unreadable, 1 rows\)"):
        read(events(times), tmp_path)
