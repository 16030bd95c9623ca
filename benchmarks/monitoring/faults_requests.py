"""Faults of clients, servers, store and model: what they leave behind in the request log."""

import numpy as np
import pandas as pd

from benchmarks.monitoring.fault import DAY_S, HOUR_S, SEED, asked, at_night, every, fault, from_then, put, stuck
from benchmarks.monitoring.world import World
from model.data import columns as c

FEW, CACHED = 4, 5
"""Items that a short list is left with; lists that a cache holds."""


def one_store(world: World, since_s: float) -> World:
    """Every client sends the same store."""
    rows = world.requests
    return asked(world, put(rows, c.STORE, from_then(rows, since_s), rows[c.STORE].mode().iloc[0]))


def no_store(world: World, since_s: float) -> World:
    """One of three apps no longer sends the store."""
    rows = world.requests
    return asked(world, put(rows, c.STORE, from_then(rows, since_s) & every(3, rows[c.USER]), ""))


def renamed_stores(world: World, since_s: float) -> World:
    """One of three apps sends stores under new ids."""
    rows = world.requests
    where = from_then(rows, since_s) & every(3, rows[c.USER])
    return asked(world, put(rows, c.STORE, where, "new-" + rows[c.STORE].astype(str)))


def renamed_shoppers(world: World, since_s: float) -> World:
    """One of three apps sends shopper ids of its own, which nobody knows."""
    rows = world.requests
    where = from_then(rows, since_s) & every(3, rows[c.USER])
    return asked(world, put(rows, c.USER, where, "app-" + rows[c.USER].astype(str)))


def fast_clock(world: World, since_s: float) -> World:
    """The clock of one of three apps is two hours fast."""
    rows = world.requests.assign(logged_s=world.requests["time_s"].astype(float))
    where = from_then(rows, since_s) & every(3, rows[c.USER])
    return asked(world, put(rows, "time_s", where, rows["time_s"] + 2 * HOUR_S))


def local_time(world: World, since_s: float) -> World:
    """Clients send their local time as if it were universal: six hours back."""
    rows = world.requests
    return asked(world, put(rows, "time_s", from_then(rows, since_s), rows["time_s"] - 6 * HOUR_S))


def night_job(world: World, since_s: float) -> World:
    """Half of the lists are asked for in advance, by a job at night."""
    rows = world.requests
    where = from_then(rows, since_s) & every(2, rows[c.USER])
    return asked(world, put(rows, "time_s", where, at_night(rows["time_s"])))


def stuck_date(world: World, since_s: float) -> World:
    """The date that clients send stands still."""
    rows = world.requests
    return asked(world, put(rows, "time_s", from_then(rows, since_s), stuck(rows["time_s"], since_s)))


def volume_drop(world: World, since_s: float) -> World:
    """Three of four servers no longer write their log."""
    rows = world.requests
    return asked(world, rows[~(from_then(rows, since_s) & (np.arange(len(rows)) % 4 > 0))])


def no_log(world: World, since_s: float) -> World:
    """No server writes its log any more."""
    return asked(world, world.requests[~from_then(world.requests, since_s)])


def stale_store(world: World, since_s: float) -> World:
    """No purchase reaches the store any more: histories end at the moment of the fault."""

    def cut(times: object) -> object:
        return None if times is None else np.asarray([t for t in times if t < since_s], dtype=np.int64)  # type: ignore[attr-defined]

    return asked(world, world.requests.assign(history_times=world.requests["history_times"].map(cut)))


def lost_state(world: World, since_s: float) -> World:
    """The store was emptied: everybody is a stranger."""
    rows = world.requests
    return asked(world, put(rows, "state", from_then(rows, since_s), "unknown"))


def failing_server(world: World, since_s: float) -> World:
    """The model fails on one of four servers, which answers by personal frequency."""
    rows = world.requests
    return asked(world, put(rows, "rung", from_then(rows, since_s) & (np.arange(len(rows)) % 4 == 0), "frequency"))


def collapse(world: World, since_s: float) -> World:
    """Everybody gets the same list."""
    rows = world.requests
    where = from_then(rows, since_s)
    return asked(world, put(rows, "item_ids", where, _each(rows, [rows["item_ids"][where].iloc[0]])))


def crossed_answers(world: World, since_s: float) -> World:
    """Answers go to the wrong shoppers."""
    rows, where = world.requests, from_then(world.requests, since_s)
    mixed = rows["item_ids"].copy()
    mixed[where] = pd.Series(
        rows["item_ids"][where].to_numpy()[np.random.default_rng(SEED).permutation(where.sum())], mixed[where].index
    )
    return asked(world, rows.assign(item_ids=mixed))


def few_lists(world: World, since_s: float) -> World:
    """A cache without the shopper in its key: five lists go round."""
    rows = world.requests
    where = from_then(rows, since_s)
    return asked(world, put(rows, "item_ids", where, _each(rows, rows["item_ids"][where].iloc[:CACHED].tolist())))


def frozen_lists(world: World, since_s: float) -> World:
    """A cache that never ends: every shopper gets his last list before the fault again."""
    rows, where = world.requests, from_then(world.requests, since_s)
    last = rows[~where].drop_duplicates(c.USER, keep="last").set_index(c.USER)["item_ids"]
    kept = rows[c.USER].map(last)
    return asked(world, put(rows, "item_ids", where & kept.notna().to_numpy(), kept))


def no_repeats(world: World, since_s: float) -> World:
    """A rule takes away what the shopper has bought before; popular items take its place."""
    rows, where = world.requests, from_then(world.requests, since_s)
    reasons = pd.Series([None if row is None else ["popular"] * len(row) for row in rows["reasons"]], rows.index)
    return asked(world, put(rows, "reasons", where, reasons))


def short_lists(world: World, since_s: float) -> World:
    """A rule leaves four items of every third shopper's list."""
    rows, where = world.requests, from_then(world.requests, since_s) & every(3, world.requests[c.USER])
    for column in ("item_ids", "scores", "reasons"):
        fewer = pd.Series([None if row is None else row[:FEW] for row in rows[column]], rows.index)
        rows = put(rows, column, where, fewer)
    return asked(world, rows)


def doubled_scores(world: World, since_s: float) -> World:
    """Scores are twice the probability that they stand for."""
    rows, where = world.requests, from_then(world.requests, since_s)
    twice = pd.Series([None if row is None else 2 * np.asarray(row, float) for row in rows["scores"]], rows.index)
    return asked(world, put(rows, "scores", where, twice))


def _each(rows: pd.DataFrame, values: list[object]) -> pd.Series:
    """The values in turn, row by row."""
    return pd.Series([values[n % len(values)] for n in range(len(rows))], rows.index)


OF_REQUESTS = (
    fault(one_store, "skew_store_id", 24),
    fault(night_job, "skew_hour", 72),
    fault(stuck_date, "skew_weekday", 72),
    fault(no_store, "visits_without_store", 24),
    fault(renamed_stores, "visits_unknown_store", 24),
    fault(renamed_shoppers, "visits_new_shopper", 24),
    fault(lost_state, "visits_without_state", 24),
    fault(stale_store, "visits_stale_state", 72),
    fault(fast_clock, "visits_from_the_future", 24),
    fault(local_time, "clock_minutes", 48),
    fault(failing_server, "fallback_share", 24),
    fault(volume_drop, "visits", 36),
    fault(no_log, "requests_age_hours", 36),
    fault(collapse, "list_overlap", 36),
    fault(crossed_answers, "recall@10", 72),
    fault(doubled_scores, "calibration_ratio", 72),
    fault(few_lists, "coverage", 36),
    fault(frozen_lists, "repetition", 48),
    fault(no_repeats, "explore_share", 24),
    fault(short_lists, "short_lists", 24),
)
"""The calendar of the data has no finer step than six hours: what is found at the first look is found after six."""
assert all(one.limit_s <= 3 * DAY_S for one in OF_REQUESTS)
