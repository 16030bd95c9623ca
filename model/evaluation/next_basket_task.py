"""The next-basket task on an examples artifact: the trips every model is judged on, and the identity of that data."""

import datetime
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.data.trips import Trips
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from model.files import combined_digest, tree_digests


@dataclass(frozen=True, kw_only=True)
class Task:
    """Shape legend: N judged trips.

    Example:
        `trips` are those of the example of Trips: the one shopper bought milk, one of two items, before the cut.

        >>> task = Task(trips=trips, trip_N=trips.first_test_trips(), digest="")
        >>> task.span["first"]
        '1970-01-01T00:00:10Z'
        >>> task.self_information().tolist()
        [0.0, 0.0]
    """

    trips: Trips
    trip_N: np.ndarray
    """[N] trip indices: each known shopper's first test trip, in time order."""
    digest: str
    """SHA-256 over the trips: equal digests mean the same trips and histories."""

    @property
    def span(self) -> dict[str, str]:
        """First and last judged trip, RFC 3339."""
        times = self.trips.time_T[self.trip_N]
        return {"first": _moment(int(times.min())), "last": _moment(int(times.max()))}

    @functools.cached_property
    def baskets(self) -> list[np.ndarray]:
        """Of each judged trip, the item indices that were bought."""
        return [self.trips.basket(int(trip)) for trip in self.trip_N]

    @functools.cached_property
    def histories(self) -> list[np.ndarray]:
        """Of each judged trip, the item indices that its shopper bought before."""
        return [self.trips.event_item_E[self.trips.history(int(trip))] for trip in self.trip_N]

    def self_information(self) -> np.ndarray:
        """[I] bits (model/evaluation/ranking_metrics.py): how few of the shoppers before the cut bought the item."""
        before_cut = self.trips.kept_events(self.trips.cut_s)
        user, items = self.trips.event_user_E[before_cut].astype(np.int64), len(self.trips.item_ids)
        bought = np.unique(user * items + self.trips.event_item_E[before_cut])
        return metrics.self_information(np.bincount(bought % items, minlength=items), len(np.unique(user)))


def load_task(examples: Path) -> Task:
    """Reads an examples artifact.

    Raises:
        InputError: the test span holds no trip of a shopper with a history.
    """
    trips = Trips.load(examples / Trips.DIRECTORY)
    which = trips.first_test_trips()
    if not len(which):
        raise InputError("expected test trips of shoppers with a history, got none; move --cut-date")
    return Task(trips=trips, trip_N=which, digest=combined_digest(tree_digests(examples / Trips.DIRECTORY)))


def _moment(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")
