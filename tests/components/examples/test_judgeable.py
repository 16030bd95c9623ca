"""What can be judged, counted before anything is trained; a refusal gives settings whose figures are true."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.examples import Examples
from components.examples.judgeable import judged_by_cut
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import CheckFailed
from tests.trips_of_events import build_trips
from tests.worlds import at, market, purchases, run_settings, write
from tfx_configs.recipes import run_settings as settings_of
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S

ITEMS = pd.DataFrame({c.ITEM: ["a", "b", "d"]})
BOUGHT = ("purchase",)


def typed(*trips: tuple[str, float, str], kind: str = "purchase") -> pd.DataFrame:
    """Events of one type; the price is of no account."""
    return purchases(*trips).assign(**{c.EVENT_TYPE: kind, c.QUANTITY: 1.0}).astype({c.BASKET: str})


def report_of(folder: Path, events: pd.DataFrame, run: RunSettings) -> Examples:
    """Examples by the settings in `run`, of these events."""
    write(folder / "in", events=events, items=ITEMS)
    run = run.replace(data=run.data.replace(path=str(folder / "in"), source="canonical"))
    ingest(data=run.data, tables_dir=folder / "tables", positive_types=run.labels.positive_types)
    build_examples(run=run, tables_dir=folder / "tables", examples_dir=folder / "examples")
    return Examples(folder / "examples")


def least(trips: int, **data: object) -> RunSettings:
    run = run_settings(Path("in"), **data)
    return run.replace(labels=run.labels.replace(min_judged_trips=trips))


RETURNING = typed(
    *((f"u{n}", day, "a b") for n in range(6) for day in (10, 60)),
    *((f"u{n}", 99, "a d") for n in range(2)),
    ("new", 99.5, "b"),
    ("u5", 99.75, "b"),
)


def test_the_report_counts_judged_and_cold_trips_and_what_nothing_is_known_of(tmp_path: Path) -> None:
    report = report_of(tmp_path, RETURNING, least(3)).report
    assert (report.judged_trips, report.cold_trips) == (3, 1)
    # Labels of the three: a d, a d, b; d was never bought before the cut.
    assert (report.unseen_items, report.unseen_labels_percent) == (1, 40.0)


def test_too_few_trips_stop_the_run_and_the_cut_that_is_named_has_as_many_as_it_says(tmp_path: Path) -> None:
    run = least(4)
    with pytest.raises(CheckFailed) as refused:
        report_of(tmp_path / "first", RETURNING, run)
    message = str(refused.value)
    assert "expected at least 4 trips that can be judged" in message and "got 3 (1 more of shoppers" in message
    assert "\n" not in message and not (tmp_path / "first" / "examples").exists()
    cut, count = re.search(r"--cut-date (\S+) would give (\d+)", message).groups()  # type: ignore[union-attr]
    assert (cut, count) == (str(at(60).date()), "6")
    moved = run.replace(data=run.data.replace(cut_date=cut))
    assert report_of(tmp_path / "second", RETURNING, moved).report.judged_trips == 6
    few = run.replace(labels=run.labels.replace(min_judged_trips=3))
    assert "--set labels.min_judged_trips=3" in message and report_of(tmp_path / "third", RETURNING, few)


def test_without_a_cut_date_the_advice_is_a_longer_test_span(tmp_path: Path) -> None:
    run = least(4, cut_date=None, test_days=2)
    with pytest.raises(CheckFailed) as refused:
        report_of(tmp_path / "first", RETURNING, run)
    change = re.search(r"--set (data\.test_days=\d+) would give 6", str(refused.value))
    assert change is not None
    days = settings_of(path="in", changes=[change.group(1)]).data.test_days
    moved = run.replace(data=run.data.replace(test_days=days))
    assert report_of(tmp_path / "second", RETURNING, moved).report.judged_trips == 6


def test_where_no_shopper_comes_back_one_line_says_so(tmp_path: Path) -> None:
    sessions = typed(*((f"s{n}", n, "a b") for n in range(100)))
    with pytest.raises(
        CheckFailed, match=r"got 0 .*none of 100 shoppers comes back, and no session goes on"
    ) as refused:
        report_of(tmp_path, sessions, least(1))
    assert "\n" not in str(refused.value) and "--cut-date" not in str(refused.value)


def test_shoppers_known_by_their_views_are_counted_in_the_advice(tmp_path: Path) -> None:
    buys = typed(*((f"u{n}", 99 + n / 10, "a") for n in range(5)), ("old", 5, "a"))
    views = typed(*((f"u{n}", 40 + n, "b d") for n in range(5)), kind="view").assign(**{c.BASKET: "v"})
    with pytest.raises(CheckFailed) as refused:
        report_of(tmp_path / "first", pd.concat([buys, views]), least(5))
    change = re.search(r"--set '(labels\.positive_types=[^']+)' would give 5", str(refused.value))
    assert change is not None
    wider = settings_of(path="in", changes=[change.group(1)]).labels.positive_types
    assert wider == ("purchase", "view")
    run = least(5)
    run = run.replace(labels=run.labels.replace(positive_types=wider))
    assert report_of(tmp_path / "second", pd.concat([buys, views]), run).report.judged_trips == 5


@pytest.mark.parametrize("thinned", [False, True])
def test_the_count_for_every_cut_is_that_of_the_trips_split_there(thinned: bool) -> None:
    events = market(shoppers=12)["events"].assign(**{c.EVENT_TYPE: "purchase", c.QUANTITY: 1.0})
    if thinned:
        events = events[events[c.BASKET].isin(events[c.BASKET].drop_duplicates().sample(frac=0.15, random_state=2))]
    day_D, judged_D = judged_by_cut(events, BOUGHT, BOUGHT)
    ids = np.unique(events[c.ITEM]).astype(object)
    assert judged_D.any()
    for cut_day, judged in list(zip(day_D, judged_D, strict=True))[::7]:
        trips = build_trips(events, ids, int(cut_day) * DAY_S, 100)
        assert judged == len(trips.first_test_trips())
