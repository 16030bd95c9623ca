"""A lean v2 REST client over one kept-alive connection, and what it saw."""

import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from model.request_log.routing_headers import USER_HEADER, VERSION_HEADER
from model.serving.http.events import BATCH, EVENT_TYPE

TIMEOUT_S = 10.0
EVENT_SOURCE = "aisle/replay"
RUNG, FULL = "rung", "full"
"""Parameter of an answer that says how much of the model made it, and its value for all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer. `version`: who answered, `stable` or `canary`; empty when nobody did. `status` 0: no HTTP answer."""

    user_id: str
    status: int
    version: str
    latency_ms: float
    item_ids: tuple[str, ...]
    hits: int = 0
    fallback: bool = False
    """Answered by something simpler than the model in full."""


class Client:
    """Talks to Envoy (or straight to a server) on loopback. Reconnects once when a kept connection was closed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def recommend(self, user_id: str, time_s: int, store_id: str, k: int, request_id: str, version: str = "") -> Reply:
        """One inference request as of `time_s`; never raises for what the server does.

        version: `stable` or `canary` asks that one whatever the split; empty: as every shopper.
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
        body = json.dumps({"id": request_id, "inputs": inputs}).encode()
        begin = time.perf_counter()
        status, answered_by, answer = self._post("/v2/models/aisle/infer", body, headers)
        latency_ms = (time.perf_counter() - begin) * 1000
        found = json.loads(answer) if status == 200 else {}
        return Reply(
            user_id=user_id,
            status=status,
            version=answered_by,
            latency_ms=latency_ms,
            item_ids=tuple(found["outputs"][0]["data"]) if found else (),
            fallback=found.get("parameters", {}).get(RUNG, FULL) != FULL,
        )

    def purchases(self, user_id: str, time_s: int, item_ids: Sequence[str], basket_id: str) -> bool:
        """Sends a basket as one batch of CloudEvents; True when it was accepted."""
        events = [
            {
                "specversion": "1.0",
                "type": EVENT_TYPE,
                "source": EVENT_SOURCE,
                "id": f"{basket_id}/{item_id}",
                "data": {"user_id": user_id, "item_id": item_id, "event_time": rfc3339(time_s)},
            }
            for item_id in item_ids
        ]
        headers = {"content-type": BATCH}
        status, _, _ = self._post("/events", json.dumps(events).encode(), headers)
        return status == 202

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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


def _tensor(name: str, datatype: str, value: str | int) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}
