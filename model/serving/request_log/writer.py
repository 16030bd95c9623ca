"""Writes the request log (model/request_log/reader.py): a journal while rows come in, Parquet as soon as there are
enough."""

import logging
import os
import queue
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import orjson

from model import api
from model.errors import InputError
from model.files import hold
from model.request_log.reader import JOURNAL, sampled
from model.request_log.routing_headers import Route
from model.serving.history.lookup import State
from model.serving.request_log.spool import (
    Journal,
    adopt_journals,
    file_stem,
    keep_at_most,
    log_unfinished,
    oldest_age_s,
    waiting,
)
from model.serving.telemetry import metrics
from model.serving.v2_inputs import Query
from tfx_configs.frozen import Count, Percent, Positive, Settings

QUERY = ("user_id", "time_s", "store_id", "k", "k_new", "exclude", "new_only")
SHELF = ("item_ids", "scores", "reasons")
CAPACITY = 10_000
"""Rows that may wait for the disk."""

_log = logging.getLogger(__name__)


class LogOptions(Settings):
    """How much is logged, and how often a file is finished.

    Example:
        >>> LogOptions(roll_rows=100).detail_percent
        1.0
    """

    detail_percent: Percent = 1.0
    """Share of the requests logged with history and candidates, percent."""
    roll_rows: Count = 5_000
    """Rows of one file of the request log."""
    roll_s: Positive = 60.0
    """Seconds until a file is finished though it has fewer."""
    keep_mb: Positive | None = None
    """Megabytes of finished files that may wait for the shipper (model/serving/request_log/shipper.py); beyond it the
    oldest are dropped. None: there is no shipper, and all stay."""


class RequestLog(AbstractContextManager["RequestLog"]):
    """`write` never waits: when the disk cannot keep up, or is full, rows are dropped and counted.

    A thread appends each row to a journal and finishes the journal when `options` ask for it, and at the end. A killed
    process loses what still waits for the thread, some milliseconds' worth; the next one to open the directory finishes
    the journal that it left. A crash of the machine loses what the kernel had not yet written of the journal.

    Example:
        >>> import tempfile
        >>> from model.request_log.reader import read
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with RequestLog(Path(folder)) as log:
        ...         log.write({"request_id": "r1", "version": "v1", "time_s": 0, "logged_s": 0.0, "item_ids": ["milk"]})
        ...     read(Path(folder))["item_ids"].to_pylist()
        [['milk']]
    """

    def __init__(self, directory: Path, options: LogOptions | None = None) -> None:
        self._directory, self._options = directory, options or LogOptions()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._held = hold(directory)
        except OSError as error:
            raise InputError(f"request log: expected a directory to write to at {directory}, got: {error}") from None
        adopt_journals(directory)
        if self._options.keep_mb is not None:
            metrics.LOG_WAITING_FILES.set_function(lambda: len(waiting(directory)))
            metrics.LOG_WAITING_SECONDS.set_function(lambda: oldest_age_s(directory))
        self._started_ns, self._number = time.time_ns(), 0
        self._journal: Journal | None = None
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def detailed(self, request_id: str) -> bool:
        """Whether this request's row is to have the detail."""
        return sampled(request_id, self._options.detail_percent)

    def write(self, row: dict[str, Any]) -> None:
        """A row of model.request_log.reader.SCHEMA; columns that are not given are null."""
        if self._queue.qsize() < CAPACITY:
            self._queue.put(row)
        else:
            metrics.LOG_DROPPED.inc()

    def close(self) -> None:
        """Writes what waits, and finishes the file."""
        self._queue.put(None)
        self._thread.join()
        os.close(self._held)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while (row := self._next()) is not None:
            try:
                if self._journal is None:
                    self._journal = self._open(str(row["version"]))
                self._journal.write(orjson.dumps(row) + b"\n")
            except (OSError, TypeError, ValueError):
                metrics.LOG_DROPPED.inc()
                continue
            if self._journal.rows >= self._options.roll_rows:
                self._finish()
        self._finish()

    def _next(self) -> dict[str, Any] | None:
        """The next row; finishes the journal when its time is up before one comes. None at the end."""
        while self._journal is not None:
            left_s = self._journal.opened + self._options.roll_s - time.monotonic()
            if left_s > 0:
                with suppress(queue.Empty):
                    return self._queue.get(timeout=left_s)
            self._finish()
        return self._queue.get()

    def _open(self, version: str) -> Journal:
        self._number += 1
        return Journal(self._directory / f"{file_stem(version, self._started_ns, self._number)}{JOURNAL}")

    def _finish(self) -> None:
        if self._journal is None:
            return
        journal, self._journal = self._journal, None
        try:
            journal.finish()
        except OSError as error:
            log_unfinished(journal.path, error)
        if self._options.keep_mb is None:
            return
        try:
            metrics.LOG_DROPPED.inc(keep_at_most(self._directory, self._options.keep_mb))
        except OSError as error:
            _log.error("request log: old files cannot be given up: %s", error)


def row(
    request_id: str,
    version: str,
    query: Query,
    state: State,
    answer: api.Answer,
    rung: str,
    seconds: float,
    route: Route = "split",
) -> dict[str, Any]:
    """The row of one answer, without detail."""
    return {
        "request_id": request_id,
        "version": version,
        "logged_s": round(time.time(), 3),
        "route": route,
        "rung": rung,
        "state": state.source,
        "latency_ms": round(seconds * 1000, 3),
        **{name: getattr(query, name) for name in QUERY},
        **{name: getattr(answer, name) for name in ("item_ids", "scores", "reasons", "propensities")},
        "within": [f"{attribute}={value}" for attribute, value in query.within],
        **({} if answer.new is None else {f"new_{name}": getattr(answer.new, name) for name in SHELF}),
    }


def detail(state: State, answer: api.Answer) -> dict[str, Any]:
    """What a detailed row has besides."""
    ranked = answer.ranked or api.Ranked(item_ids=[], scores=[], reasons=[])
    history = state.history
    return {
        "history_items": history.items,
        "history_times": history.times.tolist(),
        "history_stores": None if history.stores is None else history.stores.texts(),
        "history_quantities": None if history.quantities is None else history.quantities.tolist(),
        "history_prices": None if history.prices is None else history.prices.tolist(),
        "attributes": [f"{attribute}={value}" for attribute, value in history.attributes],
        "candidate_ids": ranked.item_ids,
        "candidate_scores": ranked.scores,
        "candidate_reasons": ranked.reasons,
    }
