import dataclasses
import json
from typing import Any

import pytest

from model.errors import InputError
from model.serving.history.store import Event
from model.serving.http.events import BATCH, STRUCTURED, parse_events

NOW_S = 1_600_000_000
DATA = {"user_id": "u", "item_id": "i", "event_time": "1970-01-02T00:00:00Z"}
EVENT = {"specversion": "1.0", "type": "aisle.purchase", "source": "till", "id": "7", "data": DATA}
PARSED = Event(event_id="till\x007", user_id="u", item_id="i", time_s=86400)


def _parse(content_type: str, value: Any, **headers: str) -> list[Event]:
    return parse_events({"content-type": content_type, **headers}, json.dumps(value).encode(), NOW_S).events


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
    assert incoming == ([PARSED, PARSED], ("arrival", "till"))


def test_events_of_two_sources_with_one_id_are_two_events() -> None:
    first, second = _parse(BATCH, [EVENT, EVENT | {"source": "web"}])
    assert first.event_id != second.event_id


BAD = {
    "a missing id": ({key: EVENT[key] for key in EVENT if key != "id"}, "attribute id: expected a non-empty string"),
    "another version": (EVENT | {"specversion": "0.3"}, "specversion: expected 1.0, got '0.3'"),
    "another type": (EVENT | {"type": "aisle.like"}, "type: expected aisle.purchase or .*, got 'aisle.like'"),
    "no data": (EVENT | {"data": None}, "expected user_id, item_id, event_time, got None"),
    "a field too few": (EVENT | {"data": {"user_id": "u", "item_id": "i"}}, "expected user_id, item_id, event_time"),
    "no quantity": (EVENT | {"data": DATA | {"quantity": 0}}, "quantity: expected a number from 0.0"),
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
    "a far future": (EVENT | {"data": DATA | {"event_time": "2999-01-01T00:00:00Z"}}, "at most a day ahead"),
    "a list": ([EVENT], "expected a JSON object, got list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_event_is_refused_with_one_line(name: str) -> None:
    value, message = BAD[name]
    with pytest.raises(InputError, match=message) as error:
        _parse(STRUCTURED, value)
    assert "\n" not in str(error.value)


def test_one_bad_event_refuses_the_batch() -> None:
    with pytest.raises(InputError, match="attribute id"):
        _parse(BATCH, [EVENT, EVENT | {"id": ""}])


def test_what_is_no_cloudevent_is_refused() -> None:
    with pytest.raises(InputError, match="expected a CloudEvent"):
        _parse("application/json", DATA)
    with pytest.raises(InputError, match="expected a JSON array"):
        _parse(BATCH, EVENT)
    with pytest.raises(InputError, match="expected JSON"):
        parse_events({"content-type": STRUCTURED}, b"{", NOW_S)
    with pytest.raises(InputError, match="expected at most 4194304 bytes"):
        parse_events({"content-type": BATCH}, b" " * (4 << 20) + b"[]", NOW_S)
