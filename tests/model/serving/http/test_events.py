import dataclasses
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from model.errors import InputError
from model.serving.history.store import Event
from model.serving.http.events import BATCH, CAUSES, STRUCTURED, parse_events

NOW_S = 1_600_000_000
DATA = {"user_id": "u", "item_id": "i", "event_time": "1970-01-02T00:00:00Z"}
EVENT = {"specversion": "1.0", "type": "aisle.purchase", "source": "till", "id": "7", "data": DATA}
PARSED = Event(event_id="till\x007", user_id="u", item_id="i", time_s=86400, arrival_s=NOW_S)


def _parse(content_type: str, value: Any, **headers: str) -> list[Event]:
    incoming = parse_events({"content-type": content_type, **headers}, json.dumps(value).encode(), NOW_S)
    assert not incoming.refused, incoming.refused
    return incoming.events


def test_structured_binary_and_batch_mean_the_same() -> None:
    attributes = {"ce-specversion": "1.0", "ce-type": "aisle.purchase", "ce-source": "till", "ce-id": "7"}
    assert _parse(f"{STRUCTURED}; charset=utf-8", EVENT) == [PARSED]
    assert _parse("application/json", DATA, **attributes) == [PARSED]
    assert _parse(BATCH, [EVENT, EVENT]) == [PARSED, PARSED]
    assert _parse(BATCH, []) == []


def test_where_how_many_at_what_price_and_of_which_type_may_be_given() -> None:
    details = {"store_id": "east", "quantity": 2, "price": 1.25}
    (event,) = _parse(STRUCTURED, EVENT | {"type": "aisle.return", "data": DATA | details})
    assert event == dataclasses.replace(PARSED, store_id="east", quantity=2.0, price=1.25, event_type="return")
    unknown = {"store_id": "", "price": None}
    assert _parse(STRUCTURED, EVENT | {"data": DATA | unknown}) == [PARSED]


def test_a_field_of_a_newer_sender_is_passed_over_and_reported() -> None:
    newer = [EVENT | {"data": DATA | {"till": 4, "arrival": "now"}}, EVENT | {"data": DATA | {"till": 5}}]
    incoming = parse_events({"content-type": BATCH}, json.dumps(newer).encode(), NOW_S)
    assert (incoming.events, incoming.ignored) == ([PARSED, PARSED], {"arrival", "till"})


def test_events_of_two_sources_with_one_id_are_two_events() -> None:
    first, second = _parse(BATCH, [EVENT, EVENT | {"source": "web"}])
    assert first.event_id != second.event_id


BAD = {
    "a missing id": ({key: EVENT[key] for key in EVENT if key != "id"}, "attribute id: expected a non-empty string"),
    "another version": (EVENT | {"specversion": "0.3"}, "specversion: expected 1.0, got '0.3'"),
    "another type": (EVENT | {"type": "aisle.like"}, "type: expected aisle.purchase or .*, got 'aisle.like'"),
    "no data": (EVENT | {"data": None}, "expected user_id, item_id, event_time, got None"),
    "a field too few": (EVENT | {"data": {"user_id": "u", "item_id": "i"}}, "expected user_id, item_id, event_time"),
    "no quantity": (EVENT | {"data": DATA | {"quantity": None}}, "quantity: expected a number from 0.0"),
    "a view of none": (EVENT | {"type": "aisle.view", "data": DATA | {"quantity": 0}}, "quantity: expected a number"),
    "an id with a NUL": (EVENT | {"id": "7\0"}, "attribute id: expected a non-empty string"),
    "an endless quantity": (
        EVENT | {"data": DATA | {"quantity": float("inf")}},
        "quantity: expected a number from 0.0",
    ),
    "a true quantity": (EVENT | {"data": DATA | {"quantity": True}}, "quantity: expected a number from 0.0"),
    "a price below 0": (EVENT | {"data": DATA | {"price": -0.01}}, "price: expected a number from 0"),
    "a price that is none": (EVENT | {"data": DATA | {"price": float("nan")}}, "price: expected a number from 0"),
    "a price as text": (EVENT | {"data": DATA | {"price": "2"}}, "price: expected a number from 0"),
    "a numeric store": (EVENT | {"data": DATA | {"store_id": 7}}, "store_id: expected a string, got 7"),
    "a store with a NUL": (EVENT | {"data": DATA | {"store_id": "a\0"}}, "store_id: expected 1 to 256 bytes"),
    "a numeric user": (EVENT | {"data": DATA | {"user_id": 5}}, "user_id: expected a string, got 5"),
    "an empty item": (EVENT | {"data": DATA | {"item_id": ""}}, "item_id: expected 1 to 256 bytes"),
    "a bad time": (EVENT | {"data": DATA | {"event_time": "yesterday"}}, "event_time: expected RFC 3339"),
    "a list": ([EVENT], "expected a JSON object, got list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_event_is_refused_with_one_line(name: str) -> None:
    value, message = BAD[name]
    incoming = parse_events({"content-type": STRUCTURED}, json.dumps(value).encode(), NOW_S)
    ((index, error),) = incoming.refused
    assert index == 0 and not incoming.events
    assert re.search(message, str(error)) and "\n" not in str(error)
    assert error.cause in CAUSES


def test_a_bad_event_is_named_by_its_place_and_the_good_ones_are_taken() -> None:
    batch = [EVENT, EVENT | {"id": ""}, EVENT | {"id": "8"}, 5]
    incoming = parse_events({"content-type": BATCH}, json.dumps(batch).encode(), NOW_S)
    assert [event.event_id for event in incoming.events] == ["till\x007", "till\x008"]
    assert [(index, error.cause) for index, error in incoming.refused] == [(1, "attribute"), (3, "form")]


@pytest.mark.parametrize(("ahead_s", "clamped"), [(0, False), (300, False), (301, True), (10**9, True)])
def test_an_event_from_too_far_in_the_future_counts_as_of_its_arrival(ahead_s: int, clamped: bool) -> None:
    moment = datetime.fromtimestamp(NOW_S + ahead_s, UTC).isoformat()
    incoming = parse_events(
        {"content-type": STRUCTURED}, json.dumps(EVENT | {"data": DATA | {"event_time": moment}}).encode(), NOW_S
    )
    assert incoming.events[0].time_s == (NOW_S if clamped else NOW_S + ahead_s)
    assert incoming.clamped == clamped


@pytest.mark.parametrize(
    ("sent", "quantity", "expected"),
    [
        ("purchase", 3, ("purchase", 3.0)),
        ("purchase", -3, ("return", 3.0)),
        ("return", -3, ("return", 3.0)),
        ("return", 3, ("return", 3.0)),
        ("purchase", 0, ("purchase", 0.0)),
        ("return", -0.0, ("return", 0.0)),
    ],
)
def test_returns_and_voids_are_as_ingest_has_them(sent: str, quantity: float, expected: tuple[str, float]) -> None:
    (event,) = _parse(STRUCTURED, EVENT | {"type": f"aisle.{sent}", "data": DATA | {"quantity": quantity}})
    assert (event.event_type, event.quantity) == expected


def test_ids_of_two_senders_are_different_ids() -> None:
    body = json.dumps(EVENT).encode()
    ids = [parse_events({"content-type": STRUCTURED}, body, NOW_S, name).events[0].event_id for name in ("", "a", "b")]
    assert ids == ["till\x007", "a\0till\x007", "b\0till\x007"]


def test_what_is_no_cloudevent_is_refused() -> None:
    with pytest.raises(InputError, match="expected a CloudEvent"):
        _parse("application/json", DATA)
    with pytest.raises(InputError, match="expected a JSON array"):
        _parse(BATCH, EVENT)
    with pytest.raises(InputError, match="expected JSON"):
        parse_events({"content-type": STRUCTURED}, b"{", NOW_S)
