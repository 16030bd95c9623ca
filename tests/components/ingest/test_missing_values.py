"""A default is for an absent column; a value missing in one that is there is counted, and never a purchase."""

from pathlib import Path

import pandas as pd
import pytest

from components.artifacts.tables import IngestReport
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import CheckFailed, InputError
from tests.components.ingest.test_run import written
from tests.worlds import at, purchases, run_settings, write

ITEMS = pd.DataFrame({c.ITEM: ["a", "b", "z"]})
EVENTS = purchases(("u1", 0, "a b"), ("u1", 40.5, "a"), ("u2", 97.75, "b"), ("u1", 98, "a")).assign(
    **{c.EVENT_TYPE: c.PURCHASE, c.QUANTITY: 2.0}
)


def ingested(
    tmp_path: Path, events: pd.DataFrame, types: tuple[str, ...] = (c.PURCHASE,), **data: object
) -> tuple[IngestReport, pd.DataFrame]:
    folder = write(tmp_path / "in", events=events, items=ITEMS)
    settings = run_settings(folder, **{"max_dropped_percent": 100, **data}).data
    report = ingest(data=settings, tables_dir=tmp_path / "out", positive_types=types)
    return report, written(tmp_path / "out")


def without(column: str, *rows: int) -> pd.DataFrame:
    return EVENTS.assign(**{column: EVENTS[column].where(~EVENTS.index.isin(rows), None)})


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_event_without_its_type_is_dropped_and_no_purchase(tmp_path: Path, nothing: str | None) -> None:
    events = EVENTS.assign(**{c.EVENT_TYPE: ["purchase", nothing, "purchase", "purchase", "purchase"]})
    report, events_out = ingested(tmp_path, events)
    assert report.dropped == {"event_type missing": 1} and report.missing == {c.EVENT_TYPE: 1}
    assert report.purchases == 4 and events_out[c.ITEM].tolist() == ["a", "a", "b", "a"]


def test_when_types_are_missing_in_many_rows_ingest_stops(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"most: event_type missing, 2 rows.*--set data.max_dropped_percent=40$"):
        ingested(tmp_path, without(c.EVENT_TYPE, 1, 3), max_dropped_percent=5)


def test_a_quantity_missing_in_a_column_that_is_there_is_one_piece_and_counted(tmp_path: Path) -> None:
    report, events_out = ingested(tmp_path, without(c.QUANTITY, 1, 2))
    assert events_out[c.QUANTITY].tolist() == [2.0, 1.0, 1.0, 2.0, 2.0]
    assert report.repaired == {"quantity missing, taken as 1": 2} and report.missing == {c.QUANTITY: 2}
    (finding,) = report.findings
    assert finding.column == c.QUANTITY and "none in 2 of 5 rows (40.0 %)" in finding.received


def test_a_basket_missing_in_a_column_that_is_there_is_the_calendar_day_and_counted(tmp_path: Path) -> None:
    report, events_out = ingested(tmp_path, without(c.BASKET, 2))
    assert events_out[c.BASKET].tolist() == ["u1-0", "u1-0", "u1|2020-02-15", "u2-2", "u1-3"]
    assert report.missing == {c.BASKET: 1}
    assert report.repaired == {"basket_id missing, the shopper's UTC calendar day instead": 1}


def test_a_missing_store_is_the_unknown_one_and_a_missing_price_stays_missing(tmp_path: Path) -> None:
    report, events_out = ingested(tmp_path, without(c.STORE, 0).assign(**{c.PRICE: [1.0, None, 1.0, 1.0, 1.0]}))
    assert report.missing == {c.STORE: 1, c.PRICE: 1}
    assert events_out[c.STORE].tolist()[:2] == ["", "s1"] and events_out[c.PRICE].isna().tolist()[:2] == [False, True]


def test_absent_columns_get_their_defaults_without_a_count(tmp_path: Path) -> None:
    report, events_out = ingested(tmp_path, EVENTS[[c.USER, c.ITEM, c.TIME]])
    assert (report.missing, report.repaired, report.findings) == ({}, {}, ())
    assert events_out[c.EVENT_TYPE].eq("purchase").all()


def test_views_alone_are_refused_with_the_setting_that_takes_them(tmp_path: Path) -> None:
    views = EVENTS.assign(**{c.EVENT_TYPE: "view"})
    with pytest.raises(InputError, match=r"got none \(5 of type view\).*--set 'labels.positive_types=\[\"view\"\]'"):
        ingested(tmp_path, views)
    report, _ = ingested(tmp_path, views, types=("view",))
    assert (report.purchases, report.events) == (0, 5)


def test_promotions_that_never_ran_are_left_out_and_counted(tmp_path: Path) -> None:
    promotions = pd.DataFrame(
        {
            c.ITEM: ["a", "b", "z", "a", "b"],
            c.START: [at(10), at(10), at(10), at(20), at(30)],
            c.END: [at(5), at(10), at(11), None, at(40)],
            c.STORE: ["s1", "s1", "s1", "s1", None],
        }
    )
    folder = write(tmp_path / "in", events=EVENTS, items=ITEMS, promotions=promotions)
    report = ingest(data=run_settings(folder).data, tables_dir=tmp_path / "out")
    stored = pd.read_parquet(tmp_path / "out" / "promotions.parquet")
    assert stored[[c.ITEM, c.STORE, c.KIND]].values.tolist() == [["b", "", "promotion"], ["z", "s1", "promotion"]]
    assert report.promotions == 2
    assert report.repaired == {
        "promotions that end before they start, left out": 1,
        "promotions that end when they start (end is the first moment after), left out": 1,
        "promotions without an end, left out": 1,
        "promotions without store_id, taken as of every store": 1,
    }
