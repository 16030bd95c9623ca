"""Purchases come in as CloudEvents 1.0 on POST /events: one binary, one structured, or a JSON batch.

type `aisle.purchase`, data {user_id, item_id, event_time}. (source, id) names an event for ever: it may be sent again.
Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
from collections.abc import Mapping
from typing import Any

from model.errors import InputError
from model.serving.history.store import Event
from model.serving.v2_inputs import check_id, parse_time
from tfx_configs.units import DAY_S

EVENT_TYPE = "aisle.purchase"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_BODY_BYTES = 4 << 20
MAX_AHEAD_S = DAY_S
"""An event further in the future than this is refused: it would push real history out."""

_ATTRIBUTES = ("specversion", "type", "source", "id")
_FIELDS = ("user_id", "item_id", "event_time")


def parse_events(headers: Mapping[str, str], body: bytes, now_s: int) -> list[Event]:
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
        return [_event(item, now_s) for item in value]
    if kind == STRUCTURED:
        return [_event(value, now_s)]
    if "ce-specversion" in headers:
        return [_event({"data": value} | {name: headers.get(f"ce-{name}") for name in _ATTRIBUTES}, now_s)]
    raise InputError(f"expected a CloudEvent: ce- headers, or content type {STRUCTURED} or {BATCH}; got {kind!r}")


def _event(value: Any, now_s: int) -> Event:
    if not isinstance(value, dict):
        raise InputError(f"event: expected a JSON object, got {type(value).__name__}")
    for name in _ATTRIBUTES:
        if not isinstance(value.get(name), str) or not value[name]:
            raise InputError(f"event attribute {name}: expected a non-empty string, got {value.get(name)!r:.60}")
    for name, expected in (("specversion", "1.0"), ("type", EVENT_TYPE)):
        if value[name] != expected:
            raise InputError(f"event attribute {name}: expected {expected}, got {value[name]!r:.60}")
    data = value.get("data")
    if not isinstance(data, dict) or set(data) != set(_FIELDS):
        raise InputError(f"event data: expected exactly {', '.join(_FIELDS)}, got {data!r:.60}")
    time_s = parse_time("event_time", data["event_time"])
    if time_s > now_s + MAX_AHEAD_S:
        raise InputError(f"event_time: expected at most a day ahead of this server's clock, got {data['event_time']}")
    return Event(
        event_id=f"{value['source']}\0{value['id']}",
        user_id=_id(data, "user_id"),
        item_id=_id(data, "item_id"),
        time_s=time_s,
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
