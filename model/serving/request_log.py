"""The request log: one JSON line for every answered request, written by a thread of its own."""

import json
import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from model.serving import metrics

CAPACITY = 10_000


class RequestLog:
    """Append-only JSON lines. `write` never waits: when the disk cannot keep up, lines are dropped and counted.

    Whole lines go to an O_APPEND file in one call, so several processes may share a file. A killed process loses at
    most the lines still queued (some milliseconds' worth).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(CAPACITY)
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def write(self, record: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            metrics.LOG_DROPPED.inc()

    def close(self) -> None:
        """Writes what is queued, then closes."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            try:
                self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
            except (OSError, TypeError, ValueError):
                metrics.LOG_DROPPED.inc()
