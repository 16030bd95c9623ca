"""How many trips can be judged, before anything is trained: of shoppers who come back, or of sessions that go on.

Shape legend: N trips of judged events, one each shopper and basket; D days at whose midnight time could be split.
"""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from components.artifacts.tables import Tables
from components.examples.trips import PARTS
from model.data import columns as c
from model.data.labels import is_of_types
from model.data.task import TaskKind
from model.data.time_split import day
from model.data.trips import Trips
from model.errors import CheckFailed
from tfx_configs.labels import EVENT_TYPES
from tfx_configs.stages import ExamplesStage
from tfx_configs.units import DAY_S

COLUMNS = [c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE]
"""Of the events, beside time and quantity, what trips are counted by."""
NEVER = np.iinfo(np.int64).max
WHAT = {
    TaskKind.NEXT_BASKET: "a shopper's first",
    TaskKind.NEXT_NEW_ITEM: "a shopper's first with something new",
    TaskKind.REST_OF_SESSION: "sessions that go on, begun",
}


def judgeable(trips: Trips) -> dict[str, int | float]:
    """What the test span can show: {judged_trips, cold_trips, unseen_items, unseen_labels_percent}.

    A judged trip is a shopper's first at or after the cut that has labels, with a history. It is a cold one without.
    Unseen items are those of judged trips without an event before the cut; unseen labels are their share of all judged
    labels.
    """
    which, test = trips.first_test_trips(), trips.test_trips()
    shoppers = len(np.unique(trips.user_T[test[trips.basket_end_T[test] > trips.basket_begin_T[test]]]))
    labels = np.concatenate([trips.basket(int(trip)) for trip in which]) if len(which) else np.zeros(0, np.int32)
    unseen = ~np.isin(labels, trips.event_item_E[trips.event_time_E < trips.cut_s])
    return {
        "judged_trips": len(which),
        "cold_trips": shoppers - len(which),
        "unseen_items": len(np.unique(labels[unseen])),
        "unseen_labels_percent": round(100 * float(unseen.mean()), 2) if len(labels) else 0.0,
    }


def check_judgeable(trips: Trips, tables: Tables, run: ExamplesStage, judged_types: tuple[str, ...]) -> None:
    """The test span has enough trips to judge a model on.

    Args:
        trips: with the labels of their task.
        tables: whose events are read where there are too few, for the settings that would give more.

    Raises:
        CheckFailed: there are fewer than `labels.min_judged_trips`; with the settings that would give more.
    """
    counts, least = judgeable(trips), run.labels.min_judged_trips
    if counts["judged_trips"] >= least:
        return
    learned_types, task = run.labels.positive_types or judged_types, trips.task
    events = read_events(tables)
    day_D, judged_D = judged_by_cut(events, learned_types, judged_types, task)
    others = tuple(kind for kind in EVENT_TYPES if kind in set(events[c.EVENT_TYPE]) | set(learned_types))
    _, with_others_D = judged_by_cut(events, others, judged_types, task)
    wider = int(with_others_D[day_D == trips.cut_s // DAY_S].sum())
    advice = []
    if judged_D.max(initial=0) > counts["judged_trips"]:
        at = int(np.flatnonzero(judged_D >= min(least, judged_D.max()))[-1])
        advice.append(f"{_cut_setting(int(day_D[at]), events, run)} would give {judged_D[at]:,}")
    if wider > counts["judged_trips"] and set(others) != set(learned_types):
        setting = f"--set 'labels.positive_types={json.dumps(others)}'"
        advice.append(f"{setting} would give {wider:,}: shoppers known by those events")
    if counts["judged_trips"]:
        advice.append(f"--set labels.min_judged_trips={counts['judged_trips']} takes as few as there are")
    sessions = TaskKind.REST_OF_SESSION
    _, of_sessions_D = judged_by_cut(events, learned_types, judged_types, sessions)
    rest = int(of_sessions_D[day_D == trips.cut_s // DAY_S].sum())
    if rest > counts["judged_trips"] and task is not sessions:
        advice.append(f"--set task={sessions} would give {rest:,}: what follows in each session")
    if not judged_D.any():
        shoppers = events[c.USER].nunique()
        advice.append(
            f"none of {shoppers:,} shoppers comes back, and no session goes on: check that user_id is the same in all "
            "of a shopper's visits, and that event_time has the time of day"
        )
    cut, cold = day(trips.cut_s), counts["cold_trips"]
    raise CheckFailed(
        f"events: expected at least {least:,} trips that can be judged ({WHAT[task]} at or after {cut}, with a "
        f"history), got {counts['judged_trips']:,} ({cold:,} more of shoppers without a history); {'; '.join(advice)}"
    )


def read_events(tables: Tables) -> pd.DataFrame:
    """What `judged_by_cut` needs of the canonical events; ids are categories, for the memory."""
    return pq.read_table(tables.events, columns=[*COLUMNS, c.TIME, c.QUANTITY], read_dictionary=COLUMNS).to_pandas()


def judged_by_cut(
    events: pd.DataFrame,
    learned_types: tuple[str, ...],
    judged_types: tuple[str, ...],
    task: TaskKind = TaskKind.NEXT_BASKET,
) -> tuple[np.ndarray, np.ndarray]:
    """([D] day since 1970, [D] trips that could be judged if time were split at its midnight).

    Of a shopper's trips the judged one is the first at or after the cut: a trip is it for each cut after the trip
    before and not after itself, provided that the shopper has a learned event before it. Where the task is the next new
    item, a trip has something that the shopper had not learned of before it; where it is the rest of a session, a
    trip is a session that goes on.
    """
    learned, judged = (events[is_of_types(events.__getitem__, types)] for types in (learned_types, judged_types))
    seconds = events[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    first_day, last_day = int(seconds.min() // DAY_S) + 1, int(seconds.max() // DAY_S)
    day_D = np.arange(first_day, last_day + 1)
    if judged.empty or learned.empty or not len(day_D):
        return day_D, np.zeros(len(day_D), np.int64)
    begins = _sessions(learned, judged) if task is TaskKind.REST_OF_SESSION else _begins(learned, judged, task)
    begins = begins.sort_values([c.USER, "seconds"], kind="stable")
    time_N, since_N = begins["seconds"].to_numpy(), begins["since"].to_numpy()
    previous_N = begins.groupby(c.USER, observed=True)["seconds"].shift().fillna(-1).to_numpy(np.int64)
    low_N = np.maximum(previous_N // DAY_S + 1, first_day)
    high_N = time_N // DAY_S
    counted_N = (since_N < time_N) & (low_N <= high_N)
    change = np.bincount(low_N[counted_N] - first_day, minlength=len(day_D) + 1)
    change -= np.bincount(high_N[counted_N] + 1 - first_day, minlength=len(day_D) + 1)
    return day_D, np.cumsum(change)[: len(day_D)]


def _begins(learned: pd.DataFrame, judged: pd.DataFrame, task: TaskKind) -> pd.DataFrame:
    """One row a trip: shopper, the second of its first event, that of the shopper's first learned event."""
    lines = pd.DataFrame({name: judged[name] for name in (c.USER, c.BASKET)} | {"seconds": _seconds(judged)})
    lines["seconds"] = lines.groupby([c.USER, c.BASKET], observed=True)["seconds"].transform("min")
    if task.new_only:
        first = learned.assign(first=_seconds(learned)).groupby([c.USER, c.ITEM], observed=True)["first"].min()
        pairs = pd.MultiIndex.from_arrays([judged[c.USER], judged[c.ITEM]])
        lines = lines[~(first.reindex(pairs).to_numpy() < lines["seconds"].to_numpy())]
    begins = lines.drop_duplicates([c.USER, c.BASKET])
    since = learned.assign(since=_seconds(learned)).groupby(c.USER, observed=True)["since"].min()
    return begins.assign(since=begins[c.USER].map(since).astype("Int64").fillna(NEVER).astype(np.int64))


def _sessions(learned: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """The same of the sessions that go on; each knows of itself, so it counts from before its begin.

    A session goes on if there is a judged event at or after the moment at which it is asked about.
    """
    keys = [c.USER, c.BASKET]
    moments = learned.assign(seconds=_seconds(learned)).drop_duplicates([*keys, "seconds"]).sort_values("seconds")
    of_session = moments.groupby(keys, observed=True)["seconds"]
    number, total = of_session.cumcount(), of_session.transform("size")
    asked = moments[(total > 1) & (number == (PARTS - 1) * total // PARTS)].set_index(keys)["seconds"]
    begin = of_session.min()
    last = judged.assign(seconds=_seconds(judged)).groupby(keys, observed=True)["seconds"].max().reindex(asked.index)
    begins = begin.reindex(asked.index)[(last >= asked).to_numpy()].reset_index()
    return begins.assign(since=begins["seconds"] - 1)


def _seconds(events: pd.DataFrame) -> np.ndarray:
    seconds: np.ndarray = events[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    return seconds


def _cut_setting(at_day: int, events: pd.DataFrame, run: ExamplesStage) -> str:
    """The option that splits time at this day: a longer or shorter test span, or another date."""
    last_s = int(events[c.TIME].max().timestamp())
    test_days = last_s // DAY_S - at_day
    if run.data.cut_date is None and 1 <= test_days <= 365:
        return f"--set data.test_days={test_days}"
    return f"--cut-date {day(at_day * DAY_S)}"
