"""The benchmark of shops: its cuts, what a run sees, pooled figures with hand-computed values, and its page."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.harness.page import render
from benchmarks.shops import result
from benchmarks.shops.__main__ import named
from benchmarks.shops.shop import Shop, cuts
from components.artifacts.earlier_export import export
from components.artifacts.tables import IngestReport, Tables
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import InputError
from model.files import write_json
from tests.worlds import at, market, run_settings, seconds, write


def report(first: float, last: float, cut: float) -> IngestReport:
    counts = dict.fromkeys(("rows_in", "events", "purchases", "users_seen", "items_seen", "items"), 1)
    days = {"first_event_s": seconds(first), "last_event_s": seconds(last), "cut_s": seconds(cut), "cut": ""}
    return IngestReport(source="", engine="", dropped={}, dropped_percent=0, repaired={}, **counts, **days)


def test_cuts_roll_back_by_the_test_span_to_the_middle_of_the_time() -> None:
    # The last span is from day 90 to the end of day 99.
    assert cuts(report(0, 99.9, 90)) == [str(at(day).date()) for day in (90, 80, 70, 60, 50)]
    assert cuts(report(0, 9.5, 8)) == [str(at(day).date()) for day in (8, 6)]


def test_a_run_sees_what_is_before_the_next_cut(tmp_path: Path) -> None:
    run = run_settings(write(tmp_path / "in", **market(shoppers=4)))
    ingest(data=run.data, tables_dir=tmp_path / "tables")
    export(Tables(tmp_path / "tables"), tmp_path / "source", before=at(70))
    events = pd.read_parquet(tmp_path / "source" / "events.parquet")
    whole = pd.concat(pd.read_parquet(path) for path in (tmp_path / "tables" / "events").rglob("*.parquet"))
    assert events[c.TIME].max() < at(70) and len(events) == (whole[c.TIME] < at(70)).sum()
    assert pq.read_table(tmp_path / "source" / "items.parquet").num_rows == 40


def leave(folder: Path, cut: str, served: str, shoppers: list[str], **ndcg: list[float]) -> None:
    """What asking the rankers leaves of a cut; recall is half of ndcg, and each ranker lists its own name."""
    arrays: dict[str, Any] = {"shopper": np.array(shoppers)}
    for name, values in ndcg.items():
        arrays |= {f"{name}/ndcg@10": np.array(values), f"{name}/recall@10": np.array(values) / 2}
        arrays[f"{name}/items"] = np.array([name, cut])
    (folder / cut).mkdir(parents=True)
    np.savez(folder / cut / "values.npz", **arrays)
    about = {"cut": cut, "trips": len(shoppers), "active_items": 30, "task": "next_basket", "seconds": 60.0}
    about |= {"blessed": served == "aisle", "served": served, "first_stable": "popularity", "not_passed": ["coverage"]}
    write_json(folder / cut / "measured.json", about)


@pytest.fixture
def row(tmp_path: Path) -> dict[str, Any]:
    about = {"name": "corner", "path": "/of/this/machine", "source": "a shop", "repeat_share": 0.25}
    write_json(tmp_path / "shop.json", about | {"events": 9, "shoppers": 3, "returning": 2})
    leave(tmp_path, "2020-02-01", "aisle", ["u", "v"], aisle=[0.6, 0.4], popularity=[0.2, 0.2], ease=[0.5, 0.1])
    leave(tmp_path, "2020-01-01", "popularity", ["u", "w"], aisle=[0.0, 0.2], popularity=[0.2, 0.2], ease=[0.4, 0.0])
    return result.row(Shop.load(tmp_path))


def test_trips_of_all_cuts_are_pooled_and_what_served_at_each_is_compared_with_the_best(row: dict[str, Any]) -> None:
    assert (row["trips"], row["underpowered"], row["seconds"], row["blessed"]) == (4, True, 120.0, False)
    assert row["models"]["aisle"] == pytest.approx({"ndcg@10": 0.3, "recall@10": 0.15, "coverage@10": 3 / 30})
    assert row["paired"]["best_simple"] == "ease"
    # Served: aisle's 0.6 and 0.4, then popularity's 0.2 and 0.2, over ease's 0.5, 0.1, 0.4 and 0.
    assert row["paired"]["ndcg_delta_pct"] == pytest.approx(100 * (1.4 / 1.0 - 1))
    assert row["candidate"]["ndcg_delta_pct"] == pytest.approx(100 * (1.2 / 1.0 - 1))
    assert "path" not in row


def test_a_shopper_of_two_cuts_is_drawn_once() -> None:
    # One shopper alone has no spread, however many trips; as trips of their own the two would have.
    pooled = result.Pooled(
        shopper_N=np.array(["u", "u"]),
        values={"ease": {"ndcg@10": np.array([0.5, 0.1])}},
        items={},
        served_N=np.array([0.2, 0.4]),
    )
    change = pooled.over(pooled.served_N, "ease")
    assert change["low_pct"] == change["high_pct"] == pytest.approx(0.0)


def test_a_shop_that_stopped_has_its_reason_and_no_figures(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "shop.json", {"name": "a", "path": "", "source": "a", "repeat_share": 0.0})
    write_json(tmp_path / "a" / "2020-01-01" / "stopped.json", {"cut": "2020-01-01", "reason": "no", "seconds": 3.0})
    (row,) = result.rows(tmp_path)
    assert (row["trips"], row["paired"], row["models"], row["seconds"]) == (0, None, {}, 3.0)
    assert row["stopped"][0]["reason"] == "no"


def test_the_page_has_every_shop_and_who_serves(row: dict[str, Any]) -> None:
    stopped = row | {"name": "shut", "trips": 0, "paired": None, "models": {}, "task": None, "cuts": []}
    stopped |= {"stopped": [{"cut": "2020-01-01", "reason": "validate: no days"}]}
    about = {"measured": "2020-03-01T00:00:00", "hardware": {"cores": 2}}
    text = render("shops/shops", about | {"shops": [row, stopped]})
    assert "| corner | next basket | 25.0 % | 4 (underpowered) | aisle, popularity | ease | +40.0 (" in text
    assert "| aisle | 0.3000 |" in text and "| coverage | popularity |" in text and "| blessed | aisle |" in text
    assert "| shut | stopped |" in text and "| shut, 2020-01-01 | – | stopped: validate: no days | – |" in text


def test_shops_are_named_or_those_that_were_begun(tmp_path: Path) -> None:
    assert [(shop.name, shop.path) for shop in named(["a=x/y", "b="], tmp_path)] == [("a", "x/y"), ("b", "")]
    for wrong in ("a", "a b=x", "=x"):
        with pytest.raises(InputError, match="expected --shop NAME=PATH"):
            named([wrong], tmp_path)
    write_json(tmp_path / "mine" / "shop.json", {"name": "mine", "path": "/p"})
    assert [(shop.name, shop.path) for shop in named(None, tmp_path)] == [("complete_journey", ""), ("mine", "/p")]
