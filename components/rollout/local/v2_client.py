"""A lean v2 REST client over one persistent connection, and its replies."""

import dataclasses
import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from model.api import Rung
from model.request_log.routing_headers import USER_HEADER, VERSION_HEADER
from model.serving.http.events import BATCH, EVENT_TYPE

TIMEOUT_S = 10.0
EVENT_SOURCE = "aisle/replay"
RUNG = "rung"
"""Parameter of an answer: how much of the model made it (model.api.Rung)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer. `version`: the side that answered, `stable` or `canary`; empty: none. `status` 0: no HTTP answer."""

    user_id: str
    status: int
    version: str
    latency_ms: float
    item_ids: tuple[str, ...]
    hits: int = 0
    fallback: bool = False
    """Answered by something simpler than the model in full."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One product of a basket, as sent. `price`: paid per piece, 0 where it is not known.

    Example:
        >>> Line(item_id="milk").quantity
        1.0
    """

    item_id: str
    store_id: str = ""
    quantity: float = 1.0
    price: float = 0.0


class Client:
    """Talks to Envoy (or straight to a server) on loopback. Reconnects once when its connection was closed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def recommend(self, user_id: str, time_s: int, store_id: str, k: int, request_id: str, version: str = "") -> Reply:
        """One inference request as of `time_s`; never raises for what the server does.

        Args:
            version: `stable` or `canary` requests that one regardless of the split; empty: as every shopper.
        """
        inputs = [
            _tensor("user_id", "BYTES", user_id),
            _tensor("k", "INT32", k),
            _tensor("store_id", "BYTES", store_id),
            _tensor("request_time", "BYTES", rfc3339(time_s)),
        ]
        headers = {"content-type": "application/json", USER_HEADER: user_id}
        if version:
            headers[VERSION_HEADER] = version
        request = json.dumps({"id": request_id, "inputs": inputs}).encode()
        begin = time.perf_counter()
        status, answered_by, answer = self._post("/v2/models/aisle/infer", request, headers)
        latency_ms = (time.perf_counter() - begin) * 1000
        body = json.loads(answer) if status == 200 else {}
        return Reply(
            user_id=user_id,
            status=status,
            version=answered_by,
            latency_ms=latency_ms,
            item_ids=tuple(body["outputs"][0]["data"]) if body else (),
            fallback=body.get("parameters", {}).get(RUNG, Rung.FULL) != Rung.FULL,
        )

    def purchases(self, user_id: str, time_s: int, lines: Sequence[Line], basket_id: str) -> bool:
        """Sends a basket as one batch of CloudEvents; True when it was accepted."""
        common = {"user_id": user_id, "event_time": rfc3339(time_s)}
        events = [
            {
                "specversion": "1.0",
                "type": EVENT_TYPE,
                "source": EVENT_SOURCE,
                "id": f"{basket_id}/{line.item_id}",
                "data": common | dataclasses.asdict(line),
            }
            for line in lines
        ]
        headers = {"content-type": BATCH}
        status, _, _ = self._post("/events", json.dumps(events).encode(), headers)
        return status == 202

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """(status, version, body); both requests are idempotent, so a second try is safe."""
        for _ in range(2):
            try:
                self._connection.request("POST", path, body, headers)
                response = self._connection.getresponse()
                return response.status, response.getheader(VERSION_HEADER, ""), response.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
        return 0, "", b""


def rfc3339(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tensor(name: str, datatype: str, value: str | int) -> dict[str, object]:
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}
