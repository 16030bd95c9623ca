"""Trips as traffic, with a client that only records what it is asked."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from components.rollout.local.trip_traffic import Replay
from components.rollout.local.v2_client import Client, Line, Reply
from model.data.task import TaskKind
from tests.pencil_world import trips_of
from tests.worlds import seconds


class Recorder(Client):
    """Answers with one item; leaves (what, day, items) of every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, list[str]]] = []

    def recommend(self, *, user_id: str, time_s: int, **_: Any) -> Reply:  # type: ignore[override]
        self.calls.append(("ask", day(time_s), []))
        return Reply(user_id=user_id, status=200, version="stable", latency_ms=1.0, item_ids=("c",))

    def purchases(self, user_id: str, time_s: int, basket: Sequence[Line], basket_id: str) -> bool:
        self.calls.append(("send", day(time_s), [line.item_id for line in basket]))
        return True


def day(time_s: int) -> float:
    return (time_s - seconds(0)) / 86_400


def test_a_trip_asks_and_then_sends_its_basket_and_one_without_labels_sends_nothing() -> None:
    trips = trips_of(("u", 10, "a"), ("u", 101, "b c"), ("u", 102, "a"))
    ends = trips.basket_end_T.copy()
    ends[2] = trips.basket_begin_T[2]
    client = Recorder()
    replies = Replay(dataclasses.replace(trips, basket_end_T=ends), client, lambda reply: None).play(9)
    assert client.calls == [("ask", 101, []), ("send", 101, ["b", "c"]), ("ask", 102, [])]
    assert [reply.hits for reply in replies] == [1, 0]


def test_in_a_session_the_events_so_far_are_sent_first() -> None:
    # One session after the cut: a, then b, asked about at c.
    world = trips_of(("s", 101, "a"), ("s", 102, "b"), ("s", 103, "c"))
    last = {name: getattr(world, name)[2:] for name in vars(world) if name.endswith("_T")}
    client = Recorder()
    Replay(dataclasses.replace(world, task=TaskKind.REST_OF_SESSION, **last), client, lambda reply: None).play(1)
    assert client.calls == [("send", 101, ["a"]), ("send", 102, ["b"]), ("ask", 103, []), ("send", 103, ["c"])]
