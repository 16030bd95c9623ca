"""Purchases come in as CloudEvents 1.0 on POST /events: one binary, one structured, or a JSON batch.

type `aisle.purchase` (or view, cart, return), data {user_id, item_id, event_time} and optionally store_id, quantity and
price. Fields that are not known here are passed over and reported, so a sender may be newer than the server.
(source, id) names an event for ever: it may be sent again, and corrected. A bad event is refused by its place in the
batch, and the others are taken.
Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from model.errors import InputError
from model.serving.history.record import TYPES
from model.serving.history.store import Event
from model.serving.v2_inputs import check_id, check_price, check_quantity, parse_time

T = TypeVar("T")
EVENT_TYPES = {f"aisle.{name}": name for name in TYPES}
"""{CloudEvents type: event type}"""
_PURCHASE, _RETURN = TYPES[0], TYPES[3]
EVENT_TYPE = f"aisle.{_PURCHASE}"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
AHEAD_S = 300
"""An event of this far in the future has a till with a fast clock; one of further counts as of its arrival."""
MAX_IGNORED, MAX_REPORTED = 10, 100
"""Names reported of fields that are not known here, and events that are refused with their reason."""
BREATH, BREATH_S = 64, 1e-4
"""After so many events of a batch, requests get so many seconds of the interpreter."""

_ATTRIBUTES = ("specversion", "type", "source", "id")
_FIELDS, _OPTIONAL = ("user_id", "item_id", "event_time"), ("store_id", "quantity", "price")


class BadEvent(InputError):
    """An event that is refused.

    Example:
        >>> BadEvent("time", "event_time: expected RFC 3339").cause
        'time'
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


CAUSES = ("form", "attribute", "id", "time", "quantity", "price")
"""Why events are refused."""


@dataclass(kw_only=True)
class Incoming:
    """What a request brought.

    Example:
        >>> Incoming(ignored={"colour"}).events
        []
    """

    events: list[Event] = field(default_factory=list)
    refused: list[tuple[int, BadEvent]] = field(default_factory=list)
    """Events of which there is none to take, by their place."""
    clamped: int = 0
    """Events from too far in the future."""
    ignored: set[str] = field(default_factory=set)
    """Fields of their data that this server does not know."""


def parse_events(headers: Mapping[str, str], body: bytes, now_s: int, sender: str = "") -> Incoming:
    """The events of one HTTP request (header names in lower case); raises InputError, one line, where it is no
    CloudEvent at all.

    Args:
        sender: the client's name, where a proxy gives it one: ids of two clients are then different ids.
    """
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"body: expected JSON ({error!s:.80})") from None
    if kind == BATCH:
        if not isinstance(value, list):
            raise InputError(f"body: expected a JSON array of events with content type {BATCH}")
        values = value
    elif kind == STRUCTURED:
        values = [value]
    elif "ce-specversion" in headers:
        values = [{"data": value} | {name: headers.get(f"ce-{name}") for name in _ATTRIBUTES}]
    else:
        raise InputError(f"expected a CloudEvent: ce- headers, or content type {STRUCTURED} or {BATCH}; got {kind!r}")
    incoming = Incoming()
    for number, value in enumerate(values):
        if number % BREATH == BREATH - 1:
            time.sleep(BREATH_S)
        try:
            _take(incoming, value, now_s, sender)
        except BadEvent as error:
            incoming.refused.append((number, error))
    return incoming


def _take(incoming: Incoming, value: Any, now_s: int, sender: str) -> None:
    """Adds the event to what came; raises BadEvent."""
    if not isinstance(value, dict):
        raise BadEvent("form", f"event: expected a JSON object, got {type(value).__name__}")
    for name in _ATTRIBUTES:
        if not isinstance(value.get(name), str) or not value[name] or "\0" in value[name]:
            raise BadEvent(
                "attribute", f"event attribute {name}: expected a non-empty string, got {value.get(name)!r:.60}"
            )
    for name, expected in (("specversion", ("1.0",)), ("type", tuple(EVENT_TYPES))):
        if value[name] not in expected:
            message = f"event attribute {name}: expected {' or '.join(expected)}, got {value[name]!r:.60}"
            raise BadEvent("attribute", message)
    data = value.get("data")
    if not isinstance(data, dict) or not data.keys() >= set(_FIELDS):
        raise BadEvent("form", f"event data: expected {', '.join(_FIELDS)}, got {data!r:.60}")
    time_s = _checked("time", parse_time, "event_time", data["event_time"])
    event_type, quantity = _quantity(EVENT_TYPES[value["type"]], data.get("quantity", 1.0))
    event = Event(
        event_id="\0".join([*([sender] if sender else ()), value["source"], value["id"]]),
        user_id=_id(data, "user_id"),
        item_id=_id(data, "item_id"),
        time_s=time_s if time_s <= now_s + AHEAD_S else now_s,
        store_id=_id(data, "store_id") if data.get("store_id") else "",
        quantity=quantity,
        price=_checked("price", check_price, "price", data["price"]) if data.get("price") is not None else 0.0,
        event_type=event_type,
        arrival_s=now_s,
    )
    incoming.ignored.update(data.keys() - {*_FIELDS, *_OPTIONAL})
    incoming.clamped += time_s > now_s + AHEAD_S
    incoming.events.append(event)


def _quantity(event_type: str, value: Any) -> tuple[str, float]:
    """(type, pieces), as ingest has them: fewer than none bought is a return, whose sign does not matter; none is a
    void, 0."""
    if event_type in (_PURCHASE, _RETURN) and type(value) in (int, float):
        if value == 0:
            return event_type, 0.0
        if value < 0:
            event_type, value = _RETURN, -value
    return event_type, _checked("quantity", check_quantity, "quantity", value)


def _checked(cause: str, check: Callable[[str, Any], T], name: str, value: Any) -> T:
    """What `check` returns; its InputError as a BadEvent."""
    try:
        return check(name, value)
    except InputError as error:
        raise BadEvent(cause, str(error)) from None


def _id(data: dict[str, Any], name: str) -> str:
    if not isinstance(data[name], str):
        raise BadEvent("id", f"{name}: expected a string, got {data[name]!r:.60}")
    return _checked("id", check_id, name, data[name])
