"""Faults on the data side, each with the check that is to find it and how soon: one at least for every check.

Those of the feed of purchases, of promotions and of the model in force are here, those that a request log shows in
monitoring_faults_requests.py.
"""

import dataclasses

import numpy as np
import pandas as pd

from benchmarks.monitoring.fault import DAY_S, SEED, at_night, bought, every, fault, from_then, put, stuck
from benchmarks.monitoring.faults_requests import OF_REQUESTS
from benchmarks.monitoring.world import World
from model.data import columns as c

OLDER_DAYS = 28


def broken_join(world: World, since_s: float) -> World:
    """The feed of purchases comes with other shopper ids."""
    rows = world.purchases
    return bought(world, put(rows, c.USER, from_then(rows, since_s), "household-" + rows[c.USER].astype(str)))


def lost_outcomes(world: World, since_s: float) -> World:
    """Half of the shoppers' purchases no longer arrive."""
    rows = world.purchases
    return bought(world, rows[~(from_then(rows, since_s) & every(2, rows[c.USER]))])


def dead_shard(world: World, since_s: float) -> World:
    """One of four shards of the feed of purchases stops."""
    rows = world.purchases
    return bought(world, rows[~(from_then(rows, since_s) & every(4, rows[c.USER]))])


def label_flip(world: World, since_s: float) -> World:
    """The item column is joined wrongly: purchases get each other's items."""
    rows, where = world.purchases, from_then(world.purchases, since_s)
    mixed = rows[c.ITEM].copy()
    mixed[where] = np.random.default_rng(SEED).permutation(rows[c.ITEM][where].to_numpy())
    return bought(world, rows.assign(**{c.ITEM: mixed}))


def stale_feed(world: World, since_s: float) -> World:
    """The feed of purchases stops."""
    return bought(world, world.purchases[~from_then(world.purchases, since_s)])


def sent_again(world: World, since_s: float) -> World:
    """The feed sends each purchase three times, under new ids."""
    rows = world.purchases
    return bought(world, pd.concat([rows, *2 * [rows[from_then(rows, since_s)]]]))


def new_items(world: World, since_s: float) -> World:
    """A third of what is bought has ids that the catalog has never seen."""
    rows = world.purchases
    where = from_then(rows, since_s) & every(3, rows[c.ITEM])
    return bought(world, put(rows, c.ITEM, where, "new-" + rows[c.ITEM].astype(str)))


def new_season(world: World, since_s: float) -> World:
    """A third of what is bought are products of the catalog that nobody had bought before."""
    rows = world.purchases
    unsold = world.known.items.index[world.known.items.isna()].to_numpy()
    drawn = np.random.default_rng(SEED).choice(unsold, len(rows)) if len(unsold) else rows[c.ITEM]
    where = from_then(rows, since_s) & every(3, rows[c.ITEM])
    return bought(world, put(rows, c.ITEM, where, pd.Series(drawn, rows.index)))


def no_prices(world: World, since_s: float) -> World:
    """One of three sources of purchases no longer sends prices."""
    rows = world.purchases
    return bought(world, put(rows, c.PRICE, from_then(rows, since_s) & every(3, rows[c.USER]), np.nan))


def cents(world: World, since_s: float) -> World:
    """Prices come in cents."""
    rows = world.purchases
    return bought(world, put(rows, c.PRICE, from_then(rows, since_s), rows[c.PRICE] * 100))


def dozens(world: World, since_s: float) -> World:
    """Quantities come in pieces where they came in dozens."""
    rows = world.purchases
    return bought(world, put(rows, c.QUANTITY, from_then(rows, since_s), rows[c.QUANTITY] * 12))


def one_till(world: World, since_s: float) -> World:
    """Every purchase comes with the store of the head office."""
    rows = world.purchases
    return bought(world, put(rows, c.STORE, from_then(rows, since_s), rows[c.STORE].mode().iloc[0]))


def carts(world: World, since_s: float) -> World:
    """Half of the shoppers' purchases come as another type of event that counts as bought."""
    rows = world.purchases
    return bought(world, put(rows, c.EVENT_TYPE, from_then(rows, since_s) & every(2, rows[c.USER]), "cart"))


def loaded_at_night(world: World, since_s: float) -> World:
    """Half of the shoppers' purchases get the time at which they are loaded, at night."""
    rows = world.purchases
    where = from_then(rows, since_s) & every(2, rows[c.USER])
    return bought(world, put(rows, c.TIME, where, at_night(rows[c.TIME])))


def stuck_feed(world: World, since_s: float) -> World:
    """The date of purchases stands still."""
    rows = world.purchases
    return bought(world, put(rows, c.TIME, from_then(rows, since_s), stuck(rows[c.TIME], since_s)))


def no_promotions(world: World, since_s: float) -> World:
    """Promotions are no longer loaded."""
    starts = world.promotion_starts
    return dataclasses.replace(world, promotion_starts=starts[starts < since_s])


def old_model(world: World, since_s: float) -> World:
    """A rollback brings back a model whose data end four weeks earlier."""
    facts = world.known.facts.model_copy(update={"cut_s": world.known.cut_s - OLDER_DAYS * DAY_S})
    return dataclasses.replace(world, known=dataclasses.replace(world.known, facts=facts))


FAULTS = (
    *OF_REQUESTS,
    fault(broken_join, "join_share", 36),
    fault(lost_outcomes, "join_share", 36),
    fault(dead_shard, "join_share", 48),
    fault(label_flip, "hits_per_trip", 48),
    fault(stale_feed, "purchases_age_hours", 36),
    fault(sent_again, "purchases", 36),
    fault(new_items, "purchases_unknown_item", 24),
    fault(new_season, "purchases_new_item", 24),
    fault(no_prices, "purchases_without_price", 24),
    fault(cents, "drift_log_price", 24),
    fault(dozens, "drift_log_quantity", 24),
    fault(one_till, "drift_store_id", 24),
    fault(carts, "drift_event_type", 24),
    fault(loaded_at_night, "drift_hour", 72),
    fault(stuck_feed, "drift_weekday", 72),
    fault(no_promotions, "promotions_age_hours", 14 * 24),
    fault(old_model, "model_age_hours", 24),
)
