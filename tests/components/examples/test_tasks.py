"""The trips of each task, with hand-computed histories and labels."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.examples import Examples
from components.engines.engine import open_engine
from components.examples.judgeable import judged_by_cut
from components.examples.labels import of_task
from components.examples.leakage import check_trips
from components.examples.run import build_examples
from components.examples.trips import trips_of
from components.ingest.run import ingest
from model.data import columns as c
from model.data.task import TaskKind
from model.data.trips import Trips
from model.errors import CheckFailed
from tests.worlds import at, purchases, run_settings, seconds, write
from tfx_configs.settings import DataSettings, RunSettings, Task
from tfx_configs.units import DAY_S

REST, NEW = TaskKind.REST_OF_SESSION, TaskKind.NEXT_NEW_ITEM
HOUR = 1 / 24


def session(name: str, day: float, items: str, kind: str = "view") -> pd.DataFrame:
    """One event an hour; items joined by + are of the same moment."""
    rows = [
        (name, item, at(day + hour * HOUR), name, "", kind, 1.0)
        for hour, moment in enumerate(items.split())
        for item in moment.split("+")
    ]
    columns = [c.USER, c.ITEM, c.TIME, c.BASKET, c.STORE, c.EVENT_TYPE, c.QUANTITY]
    return pd.DataFrame(rows, columns=columns)


SESSIONS = pd.concat(
    [
        session("two", 1, "a b"),
        session("three", 2, "a b c"),
        session("six", 3, "a b c d e f"),
        session("one", 4, "a+b"),
        session("again", 5, "a b a+c"),  # a is in the history by then
        session("astride", 10 - 2.5 * HOUR, "a b c d"),  # from before the cut to after it; asked about before it
        session("late", 10 - 1.5 * HOUR, "a b c d"),  # asked about after it
        session("test", 10, "b d"),
    ]
)

BOUGHT = purchases(("u", 1, "a b"), ("u", 2, "a c"), ("u", 3, "b c"), ("u", 11, "a"), ("u", 12, "a d"), ("v", 11, "a"))


def trips_by_session(events: pd.DataFrame, task: TaskKind = REST) -> Trips:
    with open_engine(DataSettings()) as engine:
        shuffled = engine.table(events.sample(frac=1, random_state=3))
        return trips_of(engine, [shuffled], np.array(list("abcdef"), object), seconds(10), 100, task)[0]


def read(trips: Trips) -> dict[str, tuple[str, str]]:
    """{session: (history, labels)}."""
    letters = trips.item_ids
    return {
        str(trips.user_ids[trips.user_T[trip]]): (
            "".join(letters[trips.event_item_E[trips.history(trip)]]),
            "".join(letters[trips.basket(trip)]),
        )
        for trip in range(len(trips))
    }


def test_two_thirds_of_a_sessions_moments_are_history_and_what_follows_is_the_label() -> None:
    trips = of_task(trips_by_session(SESSIONS))
    assert read(trips) == {
        "two": ("a", "b"),
        "three": ("ab", "c"),
        "six": ("abcd", "ef"),
        "again": ("ab", "c"),
        "astride": ("ab", "c"),  # d comes after the cut and is no training label
        "test": ("b", "d"),
    }
    check_trips(trips)
    assert [str(trips.user_ids[trips.user_T[trip]]) for trip in trips.first_test_trips()] == ["test"]


def test_without_the_task_a_session_is_a_basket_with_nothing_before() -> None:
    assert read(trips_by_session(SESSIONS, TaskKind.NEXT_BASKET))["three"] == ("", "abc")


def test_trips_keep_their_task_on_disk(tmp_path: Path) -> None:
    trips = trips_by_session(SESSIONS)
    trips.save(tmp_path / "trips")
    assert Trips.load(tmp_path / "trips").task is REST


def test_what_the_shopper_had_is_no_label_of_the_next_new_item() -> None:
    bought = purchases(
        ("u", 1, "a b"), ("u", 2, "a c"), ("u", 3, "b c"), ("u", 11, "a"), ("u", 12, "a d"), ("v", 11, "a")
    )
    trips = of_task(trips_by_session(bought, NEW))
    labels = ["".join(trips.item_ids[trips.basket(trip)]) for trip in range(len(trips))]
    assert labels == ["ab", "c", "", "", "a", "d"]
    # The first trip after the cut brings u nothing new, so the second one is judged; v has no history.
    assert trips.first_test_trips().tolist() == [5]


def built(folder: Path, events: pd.DataFrame, task: Task = "auto", least: int = 0) -> Examples:
    items = pd.DataFrame({c.ITEM: sorted(events[c.ITEM].unique())})
    write(folder / "in", events=events, items=items)
    run: RunSettings = run_settings(folder / "in", cut_date=str(at(10).date())).replace(task=task)
    run = run.replace(labels=run.labels.replace(min_judged_trips=least))
    ingest(data=run.data, tables_dir=folder / "tables", positive_types=run.labels.positive_types)
    build_examples(run=run, tables_dir=folder / "tables", examples_dir=folder / "examples")
    return Examples(folder / "examples")


def test_a_shop_of_views_and_sessions_needs_no_settings(tmp_path: Path) -> None:
    examples = built(tmp_path, SESSIONS)
    report = examples.report
    assert (report.task, report.learned_from, report.judged_on) == (REST, ("view", "cart"), ("view", "cart"))
    assert "0.0 % of shoppers come back" in report.task_reason
    assert (report.train_trips, report.test_trips, report.judged_trips) == (5, 1, 1)
    assert examples.trips().task is REST


def test_the_setting_decides_before_the_data(tmp_path: Path) -> None:
    bought = purchases(*((f"u{n}", day, "a b") for n in range(3) for day in (1, 5, 12)))
    assert built(tmp_path / "auto", bought).report.task is TaskKind.NEXT_BASKET
    with pytest.raises(CheckFailed, match="a shopper's first with something new"):
        built(tmp_path / "new", bought, "next_new_item", least=1)


def test_sessions_that_could_be_judged_are_named_where_shoppers_cannot(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"--set task=rest_of_session would give 1\b"):
        built(tmp_path, SESSIONS, "next_basket", least=1)


@pytest.mark.parametrize("task", list(TaskKind))
def test_the_count_for_every_cut_is_that_of_the_trips_of_the_task(task: TaskKind) -> None:
    bought = purchases(
        ("u", 1, "a b"), ("u", 2, "a c"), ("u", 3, "b c"), ("u", 11, "a"), ("u", 12, "a d"), ("v", 11, "a")
    )
    bought = bought.assign(**{c.EVENT_TYPE: "view", c.QUANTITY: 1.0})
    events = pd.concat([SESSIONS, bought])
    day_D, judged_D = judged_by_cut(events, ("view",), ("view",), task)
    assert judged_D.any()
    for day, judged in zip(day_D.tolist(), judged_D.tolist(), strict=True):
        with open_engine(DataSettings()) as engine:
            ids = np.array(list("abcdef"), object)
            trips = of_task(trips_of(engine, [engine.table(events)], ids, day * DAY_S, 100, task)[0])
        assert judged == len(trips.first_test_trips()), day
