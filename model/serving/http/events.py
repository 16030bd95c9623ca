"""Purchases come in as CloudEvents 1.0 on POST /events: one binary, one structured, or a JSON batch.

type `aisle.purchase` (or view, cart, return), data {user_id, item_id, event_time} and optionally store_id, quantity and
price. Fields that are not known here are passed over and reported, so a sender may be newer than the server.
(source, id) names an event for ever: it may be sent again.
Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from model.errors import InputError
from model.serving.history.record import TYPES
from model.serving.history.store import Event
from model.serving.v2_inputs import check_id, check_price, check_quantity, parse_time
from tfx_configs.units import DAY_S

EVENT_TYPES = {f"aisle.{name}": name for name in TYPES}
"""{CloudEvents type: event type}"""
EVENT_TYPE = f"aisle.{TYPES[0]}"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_BODY_BYTES = 4 << 20
MAX_AHEAD_S = DAY_S
"""An event further in the future than this is refused: it would push real history out."""
MAX_IGNORED = 10
"""Names reported of fields that are not known here."""

_ATTRIBUTES = ("specversion", "type", "source", "id")
_FIELDS, _OPTIONAL = ("user_id", "item_id", "event_time"), ("store_id", "quantity", "price")


class Incoming(NamedTuple):
    """What a request brought.

    Example:
        >>> Incoming([], ("colour",)).ignored
        ('colour',)
    """

    events: list[Event]
    ignored: tuple[str, ...]
    """Fields of their data that this server does not know."""


def parse_events(headers: Mapping[str, str], body: bytes, now_s: int) -> Incoming:
    """The events of one HTTP request (header names in lower case); raises InputError, one line.

    All or nothing: one bad event refuses the batch.
    """
    if len(body) > MAX_BODY_BYTES:
        raise InputError(f"body: expected at most {MAX_BODY_BYTES} bytes, got {len(body)}; send smaller batches")
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    value = _json(body)
    if kind == BATCH:
        if not isinstance(value, list):
            raise InputError(f"body: expected a JSON array of events with content type {BATCH}")
        return _incoming(value, now_s)
    if kind == STRUCTURED:
        return _incoming([value], now_s)
    if "ce-specversion" in headers:
        return _incoming([{"data": value} | {name: headers.get(f"ce-{name}") for name in _ATTRIBUTES}], now_s)
    raise InputError(f"expected a CloudEvent: ce- headers, or content type {STRUCTURED} or {BATCH}; got {kind!r}")


def _incoming(values: Sequence[Any], now_s: int) -> Incoming:
    events = [_event(value, now_s) for value in values]
    names = {name for value in values for name in value["data"]}
    return Incoming(events, tuple(sorted(names - {*_FIELDS, *_OPTIONAL})[:MAX_IGNORED]))


def _event(value: Any, now_s: int) -> Event:
    if not isinstance(value, dict):
        raise InputError(f"event: expected a JSON object, got {type(value).__name__}")
    for name in _ATTRIBUTES:
        if not isinstance(value.get(name), str) or not value[name]:
            raise InputError(f"event attribute {name}: expected a non-empty string, got {value.get(name)!r:.60}")
    for name, expected in (("specversion", ("1.0",)), ("type", tuple(EVENT_TYPES))):
        if value[name] not in expected:
            raise InputError(f"event attribute {name}: expected {' or '.join(expected)}, got {value[name]!r:.60}")
    data = value.get("data")
    if not isinstance(data, dict) or not data.keys() >= set(_FIELDS):
        raise InputError(f"event data: expected {', '.join(_FIELDS)}, got {data!r:.60}")
    time_s = parse_time("event_time", data["event_time"])
    if time_s > now_s + MAX_AHEAD_S:
        raise InputError(f"event_time: expected at most a day ahead of this server's clock, got {data['event_time']}")
    return Event(
        event_id=f"{value['source']}\0{value['id']}",
        user_id=_id(data, "user_id"),
        item_id=_id(data, "item_id"),
        time_s=time_s,
        store_id=_id(data, "store_id") if data.get("store_id") else "",
        quantity=check_quantity("quantity", data["quantity"]) if "quantity" in data else 1.0,
        price=check_price("price", data["price"]) if data.get("price") is not None else 0.0,
        event_type=EVENT_TYPES[value["type"]],
    )


def _id(data: dict[str, Any], name: str) -> str:
    if not isinstance(data[name], str):
        raise InputError(f"{name}: expected a string, got {data[name]!r:.60}")
    return check_id(name, data[name])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"body: expected JSON ({error!s:.80})") from None
