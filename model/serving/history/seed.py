"""`python -m model.serving.history.seed --examples DIR --store URL`: every purchase before the cut into Redis, once.

Idempotent: its progress is stored in Redis itself, and a second run adds nothing; it renews the attributes of the
shoppers that are there, as the examples have them. A run that died in the middle is
resumed, since every event has a name of its own. Purchases that have come meanwhile are merged.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model.data.trips import Trips
from model.errors import AisleError, InputError
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import Event

TIMEOUT_S = 5.0
"""No client waits for an answer here."""


def seed(store: RedisStore, trips: Trips) -> int:
    """Shoppers whose history grew. A second run adds no history: those forgotten since the first stay forgotten."""
    if store.seeded() is not None:
        describe(store, trips)
        return 0
    shoppers = sum(store.append(events) > 0 for events in _by_shopper(trips))
    describe(store, trips)
    store.mark_seeded(f"events before {trips.cut_s}")
    return shoppers


def describe(store: RedisStore, trips: Trips) -> int:
    """Replaces the attributes of the shoppers that the store has by those of the examples; returns how many. One that
    it does not have may have been forgotten, and stays so."""
    if not trips.user_attributes:
        return 0
    return sum(store.describe(str(name), trips.attributes(user)) for user, name in enumerate(trips.user_ids.tolist()))


def _by_shopper(trips: Trips) -> Iterator[list[Event]]:
    """One shopper's events before the cut after the other's, in time order. Returned purchases are left out."""
    kept_e = np.flatnonzero(trips.kept_events(trips.cut_s))
    if not len(kept_e):
        return
    begins = np.flatnonzero(np.diff(trips.event_user_E[kept_e])) + 1
    for of_one in np.split(kept_e, begins):
        user_id = str(trips.user_ids[trips.event_user_E[of_one[0]]])
        yield [
            Event(
                event_id=f"seed {number}",
                user_id=user_id,
                item_id=str(trips.item_ids[trips.event_item_E[event]]),
                time_s=int(trips.event_time_E[event]),
                store_id=str(trips.store_ids[trips.event_store_E[event]]),
                quantity=float(trips.event_quantity_E[event]),
                price=float(trips.event_price_E[event]),
            )
            for number, event in enumerate(of_one)
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what was done; 2 on bad input, 1 when Redis does not answer."""
    parser = argparse.ArgumentParser(prog="python -m model.serving.history.seed", description=__doc__)
    parser.add_argument("--examples", type=Path, required=True, help="the artifact of the step Examples")
    parser.add_argument("--store", required=True, help="redis://host:port/database (its password in REDIS_PASSWORD)")
    parser.add_argument("--max-history", type=int, default=2048, help="events kept of a shopper (%(default)s)")
    options = parser.parse_args(argv)
    try:
        trips = options.examples / Trips.DIRECTORY
        if not trips.is_dir():
            raise InputError(f"expected {trips.name}/ in --examples {options.examples}, found none")
        store = RedisStore(options.store, options.max_history, os.environ.get("REDIS_PASSWORD"), TIMEOUT_S)
        before = store.seeded()
        shoppers = seed(store, Trips.load(trips))
        renewed = f"seeded before ({before}); attributes renewed, no history added"
        print(renewed if before else f"{shoppers:,} shoppers got a history")
        store.close()
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
