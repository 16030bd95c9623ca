"""Ingest of canonical tables, from one small directory: what is kept, dropped, merged and written."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.ingest.run import ingest
from model.data import columns as c
from model.files import read_json
from tests.worlds import at, market, purchases, run_settings, seconds, write

ITEMS = pd.DataFrame({c.ITEM: ["a", "b", "z"], "colour": ["red", None, "blue"]})


def clean(events: pd.DataFrame, folder: Path, items: pd.DataFrame = ITEMS, **data: Any) -> pd.DataFrame:
    """The events that ingest wrote, sorted."""
    write(folder / "in", events=events, items=items)
    ingest(data=run_settings(folder / "in", max_dropped_percent=100, **data).data, tables_dir=folder / "out")
    return written(folder / "out")


def written(folder: Path) -> pd.DataFrame:
    frame = pq.read_table(folder / "events").to_pandas()
    return frame.sort_values([c.TIME, c.USER, c.BASKET, c.ITEM]).reset_index(drop=True)


def two_spans() -> pd.DataFrame:
    """Three trips before the cut and one after it."""
    return purchases(("u1", 0, "a b"), ("u1", 40.5, "a"), ("u2", 97.75, "b"), ("u1", 98, "a"))


def test_events_keep_their_values_and_get_the_defaults_of_missing_columns(tmp_path: Path) -> None:
    events_out = clean(two_spans()[[c.USER, c.ITEM, c.TIME]], tmp_path)
    assert events_out[c.USER].tolist() == ["u1", "u1", "u1", "u2", "u1"]
    assert events_out[c.TIME].tolist() == [at(0), at(0), at(40.5), at(97.75), at(98)]
    assert events_out[c.EVENT_TYPE].eq(c.PURCHASE).all()
    assert events_out[c.QUANTITY].eq(1.0).all()
    assert events_out[c.STORE].eq("").all()
    assert events_out[c.PRICE].isna().all()


def test_without_baskets_a_shoppers_utc_day_is_one_trip(tmp_path: Path) -> None:
    events = purchases(("u1", 0.1, "a"), ("u1", 0.99, "b"), ("u1", 1.0, "a"), ("u2", 0.1, "a"), ("u1", 99, "b"))
    events_out = clean(events.drop(columns=c.BASKET), tmp_path)
    assert events_out.groupby([c.USER, c.BASKET])[c.ITEM].agg("".join).tolist() == ["ab", "a", "b", "a"]


def test_lines_of_one_product_in_one_basket_become_one(tmp_path: Path) -> None:
    """2 pieces at 3.00 and 1 at 6.00: 3 pieces at 4.00, at the moment of the first line."""
    lines = pd.DataFrame(
        {
            c.USER: "u1",
            c.ITEM: ["a", "a", "b", "a"],
            c.TIME: [at(1), at(1.1), at(1), at(99)],
            c.BASKET: ["t1", "t1", "t1", "t2"],
            c.QUANTITY: [2, 1, 1, 1],
            c.PRICE: [3.0, 6.0, None, 5.0],
        }
    )
    events_out = clean(lines, tmp_path)
    assert events_out[[c.ITEM, c.QUANTITY]].values.tolist() == [["a", 3.0], ["b", 1.0], ["a", 1.0]]
    assert events_out[c.PRICE].fillna(-1).tolist() == [4.0, -1.0, 5.0]
    assert events_out[c.TIME].tolist() == [at(1), at(1), at(99)]


def test_dropped_rows_are_counted_once_under_their_first_reason(tmp_path: Path) -> None:
    dirt = pd.DataFrame(
        {
            c.USER: ["u1", None, "", "u1", "u1", "u1", "u1", "u1"],
            c.ITEM: ["a", "a", "a", None, "a", "a", "a", "b"],
            c.TIME: [at(1), at(1), at(1), None, None, at(1), at(1), at(99)],
            c.QUANTITY: [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, -2.0, 1.0],
        }
    )
    events_out = clean(dirt, tmp_path)
    report = read_json(tmp_path / "out" / "ingest.json")
    assert report["dropped"] == {
        "user_id missing": 2,
        "item_id missing": 1,
        "event_time missing": 1,
        "quantity zero or negative": 1,
    }
    assert report["rows_in"] == 8 and len(events_out) == report["events"] == 3
    assert report["dropped_percent"] == 62.5


@pytest.mark.parametrize("kind", ["return", "purchase"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_return_has_a_positive_quantity_in_every_convention(tmp_path: Path, kind: str, sign: int) -> None:
    events = two_spans().assign(**{c.EVENT_TYPE: c.PURCHASE, c.QUANTITY: 1.0})
    events.loc[2, [c.EVENT_TYPE, c.QUANTITY]] = [kind, 3.0 * sign]
    events_out = clean(events, tmp_path)
    expected = ("purchase", 3.0) if kind == "purchase" and sign > 0 else ("return", 3.0)
    assert events_out[[c.EVENT_TYPE, c.QUANTITY]].values.tolist()[2] == list(expected)
    report = read_json(tmp_path / "out" / "ingest.json")
    assert report["returns"] == (expected[0] == "return") and report["purchases"] == 5 - report["returns"]
    read_as = report["repaired"].get("purchases of a negative quantity, read as returns", 0)
    assert read_as == (kind == "purchase" and sign < 0)


def test_a_return_on_the_receipt_of_the_purchase_is_a_row_of_its_own(tmp_path: Path) -> None:
    lines = two_spans().assign(**{c.QUANTITY: [3.0, 1.0, 1.0, 1.0, 1.0]})
    lines = pd.concat([lines, lines[:1].assign(**{c.QUANTITY: -2.0})])
    events_out = clean(lines, tmp_path)
    first = events_out[(events_out[c.ITEM] == "a") & (events_out[c.TIME] == at(0))]
    assert sorted(first[[c.EVENT_TYPE, c.QUANTITY]].values.tolist()) == [["purchase", 3.0], ["return", 2.0]]


def test_prices_that_are_no_numbers_are_unknown_prices(tmp_path: Path) -> None:
    events = two_spans()
    events[c.PRICE] = [float("inf"), float("nan"), 2.0, float("-inf"), 3.0]
    assert clean(events, tmp_path)[c.PRICE].fillna(-1).tolist() == [-1.0, -1.0, 2.0, -1.0, 3.0]


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(lambda time: time.astype("int64") // 10**9, id="unix seconds"),
        pytest.param(lambda time: time.dt.tz_localize("UTC").dt.tz_convert("America/New_York"), id="a time zone"),
        pytest.param(lambda time: time.astype("datetime64[ns]"), id="nanoseconds"),
    ],
)
def test_times_mean_the_same_moment_in_every_form(tmp_path: Path, times: Any) -> None:
    events = two_spans()
    expected = events[c.TIME].sort_values().tolist()
    events[c.TIME] = times(events[c.TIME].astype("datetime64[ns]"))
    assert clean(events, tmp_path)[c.TIME].tolist() == expected


def test_csv_reads_like_parquet(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    two_spans().to_csv(tmp_path / "csv" / "events.csv", index=False)
    ITEMS.to_csv(tmp_path / "csv" / "items.csv", index=False)
    ingest(data=run_settings(tmp_path / "csv").data, tables_dir=tmp_path / "out")
    pd.testing.assert_frame_equal(written(tmp_path / "out"), clean(two_spans(), tmp_path / "parquet"))


def test_events_may_be_a_directory_of_parquet_files(tmp_path: Path) -> None:
    events = two_spans()
    for part, rows in enumerate((events[:2], events[2:])):
        write(tmp_path / "in" / "events" / f"part={part}", rows=rows)
    write(tmp_path / "in", items=ITEMS)
    ingest(data=run_settings(tmp_path / "in").data, tables_dir=tmp_path / "out")
    pd.testing.assert_frame_equal(written(tmp_path / "out"), clean(events, tmp_path / "one"))


def test_events_are_partitioned_by_month(tmp_path: Path) -> None:
    clean(two_spans(), tmp_path)
    months = sorted(path.name for path in (tmp_path / "out" / "events").iterdir())
    assert months == ["month=2020-01", "month=2020-02", "month=2020-04"]


def test_the_report_has_span_and_cut(tmp_path: Path) -> None:
    clean(two_spans(), tmp_path)
    report = read_json(tmp_path / "out" / "ingest.json")
    expected = {
        "first_event_s": seconds(0),
        "last_event_s": seconds(98),
        "cut_s": seconds(98),
        "cut": "2020-04-13",
        "users_seen": 2,
        "items_seen": 2,
        "purchases": 5,
        "items": 3,
    }
    assert {name: report[name] for name in expected} == expected


def test_items_keep_all_their_columns_as_text_and_one_row_an_id(tmp_path: Path) -> None:
    items = pd.DataFrame({c.ITEM: ["b", "a", "a", None], "size": [2, 1, 1, 3], "colour": ["x", "y", "y", "z"]})
    clean(two_spans(), tmp_path, items=items)
    stored = pq.read_table(tmp_path / "out" / "items.parquet").to_pandas()
    assert stored.values.tolist() == [["a", "1", "y"], ["b", "2", "x"]]


def test_optional_tables_are_written_only_when_given(tmp_path: Path) -> None:
    clean(two_spans(), tmp_path)
    assert not (tmp_path / "out" / "users.parquet").exists()
    tables = market()
    tables["promotions"] = tables["promotions"].drop(columns=[c.KIND, c.STORE])
    ingest(data=run_settings(write(tmp_path / "all", **tables)).data, tables_dir=tmp_path / "full")
    promotions = pq.read_table(tmp_path / "full" / "promotions.parquet").to_pandas()
    assert promotions[[c.STORE, c.KIND]].drop_duplicates().values.tolist() == [["", "promotion"]]
    assert len(pq.read_table(tmp_path / "full" / "users.parquet")) == 15


def test_a_sample_keeps_whole_shoppers_and_what_they_bought(tmp_path: Path) -> None:
    tables = market()
    everything = clean(tables["events"], tmp_path / "all", items=tables["items"])
    half = clean(tables["events"], tmp_path / "half", items=tables["items"], sample_percent=50)
    again = clean(tables["events"], tmp_path / "again", items=tables["items"], sample_percent=50)
    chosen = half[c.USER].unique()
    assert 8 <= len(chosen) <= 22
    expected = everything[everything[c.USER].isin(chosen)].reset_index(drop=True)
    pd.testing.assert_frame_equal(half, expected)
    pd.testing.assert_frame_equal(half, again)
    stored = pq.read_table(tmp_path / "half" / "out" / "items.parquet").to_pandas()
    assert set(stored[c.ITEM]) == set(half[c.ITEM])


def test_row_order_does_not_change_what_is_written(tmp_path: Path) -> None:
    tables = market()
    shuffled = {name: table.sample(frac=1, random_state=3) for name, table in tables.items()}
    ingest(data=run_settings(write(tmp_path / "a", **tables)).data, tables_dir=tmp_path / "out_a")
    ingest(data=run_settings(write(tmp_path / "b", **shuffled)).data, tables_dir=tmp_path / "out_b")
    for name in ("events", "items.parquet", "users.parquet", "promotions.parquet"):
        first, other = (pq.read_table(tmp_path / out / name) for out in ("out_a", "out_b"))
        assert first.equals(other), name
