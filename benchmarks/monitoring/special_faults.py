"""Faults that are more than other values in a column, or lost rows: functions by the names of faults.yaml."""

import dataclasses

import numpy as np
import pandas as pd

from benchmarks.monitoring.fault import SEED, every, from_then, put, with_rows
from benchmarks.monitoring.world import World
from model.data import columns as c
from tfx_configs.units import DAY_S, HOUR_S

FEW, CACHED = 4, 5
"""Items that a short list is left with; lists that a cache holds."""
OLDER_DAYS = 28


def fast_clock(world: World, since_s: float) -> World:
    """The clock of one of three apps is two hours fast."""
    rows = world.requests.assign(logged_s=world.requests["time_s"].astype(float))
    where = from_then(rows, since_s) & every(3, rows[c.USER])
    return with_rows(world, "requests", put(rows, "time_s", where, rows["time_s"] + 2 * HOUR_S))


def volume_drop(world: World, since_s: float) -> World:
    """Three of four servers no longer write their log."""
    rows = world.requests
    return with_rows(world, "requests", rows[~(from_then(rows, since_s) & (np.arange(len(rows)) % 4 > 0))])


def stale_store(world: World, since_s: float) -> World:
    """No purchase reaches the store any more: histories end at the moment of the fault."""

    def cut(times: object) -> object:
        return None if times is None else np.asarray([t for t in times if t < since_s], dtype=np.int64)  # type: ignore[attr-defined]

    return with_rows(world, "requests", world.requests.assign(history_times=world.requests["history_times"].map(cut)))


def failing_server(world: World, since_s: float) -> World:
    """The model fails on one of four servers, which answers by personal frequency."""
    rows = world.requests
    return with_rows(
        world, "requests", put(rows, "rung", from_then(rows, since_s) & (np.arange(len(rows)) % 4 == 0), "frequency")
    )


def collapse(world: World, since_s: float) -> World:
    """Everybody gets the same list."""
    rows = world.requests
    where = from_then(rows, since_s)
    return with_rows(world, "requests", put(rows, "item_ids", where, _each(rows, [rows["item_ids"][where].iloc[0]])))


def crossed_answers(world: World, since_s: float) -> World:
    """Answers go to the wrong shoppers."""
    rows, where = world.requests, from_then(world.requests, since_s)
    mixed = rows["item_ids"].copy()
    mixed[where] = pd.Series(
        rows["item_ids"][where].to_numpy()[np.random.default_rng(SEED).permutation(where.sum())], mixed[where].index
    )
    return with_rows(world, "requests", rows.assign(item_ids=mixed))


def few_lists(world: World, since_s: float) -> World:
    """A cache without the shopper in its key: five lists go round."""
    rows = world.requests
    where = from_then(rows, since_s)
    return with_rows(
        world, "requests", put(rows, "item_ids", where, _each(rows, rows["item_ids"][where].iloc[:CACHED].tolist()))
    )


def frozen_lists(world: World, since_s: float) -> World:
    """A cache that never ends: every shopper gets his last list before the fault again."""
    rows, where = world.requests, from_then(world.requests, since_s)
    last = rows[~where].drop_duplicates(c.USER, keep="last").set_index(c.USER)["item_ids"]
    last_list = rows[c.USER].map(last)
    return with_rows(world, "requests", put(rows, "item_ids", where & last_list.notna().to_numpy(), last_list))


def no_repeats(world: World, since_s: float) -> World:
    """A rule takes away what the shopper has bought before; popular items take its place."""
    rows, where = world.requests, from_then(world.requests, since_s)
    reasons = pd.Series([None if row is None else ["popular"] * len(row) for row in rows["reasons"]], rows.index)
    return with_rows(world, "requests", put(rows, "reasons", where, reasons))


def short_lists(world: World, since_s: float) -> World:
    """A rule leaves four items of every third shopper's list."""
    rows, where = world.requests, from_then(world.requests, since_s) & every(3, world.requests[c.USER])
    for column in ("item_ids", "scores", "reasons"):
        fewer = pd.Series([None if row is None else row[:FEW] for row in rows[column]], rows.index)
        rows = put(rows, column, where, fewer)
    return with_rows(world, "requests", rows)


def doubled_scores(world: World, since_s: float) -> World:
    """Scores are twice the probability that they stand for."""
    rows, where = world.requests, from_then(world.requests, since_s)
    twice = pd.Series([None if row is None else 2 * np.asarray(row, float) for row in rows["scores"]], rows.index)
    return with_rows(world, "requests", put(rows, "scores", where, twice))


def label_flip(world: World, since_s: float) -> World:
    """The item column is joined wrongly: purchases get each other's items."""
    rows, where = world.purchases, from_then(world.purchases, since_s)
    mixed = rows[c.ITEM].copy()
    mixed[where] = np.random.default_rng(SEED).permutation(rows[c.ITEM][where].to_numpy())
    return with_rows(world, "purchases", rows.assign(**{c.ITEM: mixed}))


def sent_again(world: World, since_s: float) -> World:
    """The feed sends each purchase three times, under new ids."""
    rows = world.purchases
    return with_rows(world, "purchases", pd.concat([rows, *2 * [rows[from_then(rows, since_s)]]]))


def new_season(world: World, since_s: float) -> World:
    """A third of what is bought are products of the catalog that nobody had bought before."""
    rows = world.purchases
    unsold = world.known.items.index[world.known.items.isna()].to_numpy()
    drawn = np.random.default_rng(SEED).choice(unsold, len(rows)) if len(unsold) else rows[c.ITEM]
    where = from_then(rows, since_s) & every(3, rows[c.ITEM])
    return with_rows(world, "purchases", put(rows, c.ITEM, where, pd.Series(drawn, rows.index)))


def no_promotions(world: World, since_s: float) -> World:
    """Promotions are no longer loaded."""
    starts = world.promotion_starts
    return dataclasses.replace(world, promotion_starts=starts[starts < since_s])


def old_model(world: World, since_s: float) -> World:
    """A rollback brings back a model whose data end four weeks earlier."""
    facts = world.known.facts.model_copy(update={"cut_s": world.known.cut_s - OLDER_DAYS * DAY_S})
    return dataclasses.replace(world, known=dataclasses.replace(world.known, facts=facts))


def _each(rows: pd.DataFrame, values: list[object]) -> pd.Series:
    """The values in turn, row by row."""
    return pd.Series([values[n % len(values)] for n in range(len(rows))], rows.index)
