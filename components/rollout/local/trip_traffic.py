"""Trips of the test span as traffic: each is one request as of its moment, then its purchases. Where the task is the
rest of a session, the session's events so far come first."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from components.rollout.local.envoy_config import CANARY, STABLE
from components.rollout.local.v2_client import Client, Line, Reply
from model.data.task import TaskKind
from model.data.trips import Trips
from model.errors import InputError
from model.files import remove_unused
from model.serving.history.lmdb_store import LmdbStore
from tfx_configs.units import DAY_S

K = 10
PLAYED = "replay-"
"""Prefix of the ids of replayed requests."""


def check_trips(trips: Trips) -> None:
    """Raises InputError when there is no traffic to replay."""
    if len(trips.test_trips()) == 0:
        raise InputError("rollout: expected trips at or after the cut, got none; move the cut date back")


def seed_store(trips: Trips, directory: Path, max_history: int) -> Path:
    """A fresh store with every event before the cut. Returns `directory`. Raises InputError while a server uses it."""
    remove_unused(directory)
    store = LmdbStore(directory, max_history)
    store.bulk_load(trips, trips.kept_events(trips.cut_s))
    store.close()
    return directory


def lines(trips: Trips, trip: int) -> list[Line]:
    """The trip's basket: store, quantity and price as in the shopper's first event of each product within a day."""
    begin = int(trips.history_end_T[trip])
    until = int(np.searchsorted(trips.event_user_E, trips.user_T[trip], side="right"))
    end = begin + int(np.searchsorted(trips.event_time_E[begin:until], trips.time_T[trip] + DAY_S))
    basket = trips.basket(trip)
    is_Eb = trips.event_item_E[begin:end, None] == basket
    first_b = begin + is_Eb.argmax(axis=0) if end > begin else np.zeros(len(basket), np.int64)
    store_id = str(trips.store_ids[trips.store_T[trip]])
    return [
        _line(trips, event) if there else Line(item_id=str(trips.item_ids[item]), store_id=store_id)
        for item, event, there in zip(basket.tolist(), first_b.tolist(), is_Eb.any(axis=0).tolist(), strict=True)
    ]


def _line(trips: Trips, event: int) -> Line:
    return Line(
        item_id=str(trips.item_ids[trips.event_item_E[event]]),
        store_id=str(trips.store_ids[trips.event_store_E[event]]),
        quantity=float(trips.event_quantity_E[event]),
        price=float(trips.event_price_E[event]),
    )


class Replay:
    """The test trips in time order, each played once."""

    def __init__(self, trips: Trips, client: Client, on_request: Callable[[Reply], None], played: int = 0) -> None:
        self._trips = trips
        self._client = client
        self._on_request = on_request
        self._order = trips.test_trips()
        self.played = played
        self.failed_events = 0
        self._sent_until: dict[int, int] = {}
        """{shopper: the last moment whose events were sent, unix seconds}"""

    def play(self, count: int) -> list[Reply]:
        """The next `count` trips (fewer at the end): ask, count the hits, then send the purchases."""
        batch = self._order[self.played : self.played + count]
        self.played += len(batch)
        return [self._play(int(trip)) for trip in batch]

    def asked_both(self, count: int) -> list[tuple[Reply, Reply]]:
        """(canary's, stable's) answers to the last `count` trips played, requested of each by name; no traffic."""
        return [
            (self.ask(trip, f"both-canary-{trip}", CANARY), self.ask(trip, f"both-stable-{trip}", STABLE))
            for trip in map(int, self._order[max(0, self.played - count) : self.played])
        ]

    def ask(self, trip: int, request_id: str, version: str = "") -> Reply:
        """The recommendation alone, as of the trip's moment; of `version` unless it is empty."""
        trips = self._trips
        return self._client.recommend(
            user_id=str(trips.user_ids[trips.user_T[trip]]),
            time_s=int(trips.time_T[trip]),
            store_id=str(trips.store_ids[trips.store_T[trip]]),
            k=K,
            request_id=request_id,
            version=version,
        )

    def _play(self, trip: int) -> Reply:
        basket = lines(self._trips, trip)
        if self._trips.task is TaskKind.REST_OF_SESSION:
            self._send_session(trip)
        reply = self.ask(trip, f"{PLAYED}{trip}")
        reply = dataclasses.replace(reply, hits=len(set(reply.item_ids) & {line.item_id for line in basket}))
        time_s = int(self._trips.time_T[trip])
        if basket:
            self._send(reply.user_id, time_s, basket, f"trip-{trip}")
        self._on_request(reply)
        return reply

    def _send_session(self, trip: int) -> None:
        """The events of the trip's history that the store does not have: those since the cut, moment by moment."""
        trips, user, past = self._trips, int(self._trips.user_T[trip]), self._trips.history(trip)
        since = self._sent_until.get(user, trips.cut_s - 1)
        past = past[trips.event_time_E[past] > since]
        for time_s in np.unique(trips.event_time_E[past]).tolist():
            looked_at = [_line(trips, event) for event in past[trips.event_time_E[past] == time_s].tolist()]
            self._send(str(trips.user_ids[user]), time_s, looked_at, f"session-{trip}-{time_s}")
        self._sent_until[user] = int(trips.time_T[trip])

    def _send(self, user_id: str, time_s: int, basket: list[Line], basket_id: str) -> None:
        if not self._client.purchases(user_id, time_s, basket, basket_id):
            self.failed_events += 1
