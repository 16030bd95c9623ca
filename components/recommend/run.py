"""Lists for many shoppers at once: the model, rules and answer contract of the server, without a server."""

import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from components.recommend.list_files import ListFile, list_schema, log_place, published
from components.recommend.shoppers import Repeats, Shopper, count, shoppers
from model.api import Rung
from model.package.loaded_model import MAX_BATCH
from model.request_log.reader import SCHEMA, sampled
from model.serving.contract import Contract, Violation
from model.serving.fallback.served_model import ServedModel
from model.serving.fallback.unranked import answer_within, popular_items
from model.serving.history.lookup import damaged_state, state_of
from model.serving.history.store import HistoryStore
from model.serving.model_request import model_request
from model.serving.request_log.writer import LogOptions, detail, row
from model.serving.v2_inputs import DEFAULT_K, MAX_K, Query, parse_time
from model.system.cores import usable_cores
from tfx_configs.frozen import Settings, check

LINE_EVERY_S = 5.0
"""Between two lines of progress."""
OnProgress = Callable[[str], None]


class ListSettings(Settings):
    """What each shopper's list is to be.

    Example:
        >>> ListSettings(k_new=5).k
        10
    """

    k: Annotated[int, Field(ge=1, le=MAX_K)] = DEFAULT_K
    """Items of a list."""
    k_new: Annotated[int, Field(ge=0, le=MAX_K)] = 0
    """Items of a second list, of what the shopper never bought; 0: there is one list."""
    new_only: bool | None = None
    """The list is of what the shopper never bought; null: as the model's task has it."""
    as_of: str = ""
    """RFC 3339; the history is of the purchases before it. Empty: now, and all purchases count."""
    detail_percent: Annotated[float, Field(ge=0, le=100)] = LogOptions().detail_percent
    """Share of the rows of a request log with history and candidates, percent."""

    @model_validator(mode="after")
    def _one_kind_of_new(self) -> Self:
        check(not (self.k_new and self.new_only), "k_new", "0 with new_only, whose list is of what is new", self.k_new)
        return self

    def query(self, now_s: int) -> Query:
        """The query of a shopper without a name. Raises InputError where `as_of` is no time."""
        return Query(
            user_id="",
            time_s=parse_time("as_of", self.as_of) if self.as_of else now_s,
            timed=bool(self.as_of),
            k=self.k,
            k_new=self.k_new,
            new_only=self.new_only,
        )


@dataclass(kw_only=True)
class ListsMade:
    """What was made."""

    version: str
    time_s: int
    """The moment that the lists are of."""
    states: Counter[str] = field(default_factory=Counter)
    """{model.serving.history.lookup.Source: lists}; those of strangers are `unknown`."""
    rungs: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    """{how an answer broke the contract: lists that are of a lower rung for it}"""
    repeated: int = 0
    """Ids that came before, and got no second list."""
    newest_s: int = 0
    """The newest purchase in a history, unix seconds; 0: there is none."""

    @property
    def lists(self) -> int:
        return self.states.total()

    @property
    def figures(self) -> dict[str, float]:
        """{name: number} for KFP's page."""
        states = {f"state {name}": float(number) for name, number in sorted(self.states.items())}
        rungs = {f"rung {name}": float(number) for name, number in sorted(self.rungs.items())}
        rest = {"contract violations": float(self.violations.total()), "repeated ids": float(self.repeated)}
        return {"lists": float(self.lists)} | states | rungs | rest


def make_lists(
    model: ServedModel,
    store: HistoryStore,
    users: str,
    out: str,
    settings: ListSettings,
    log: str = "",
    on_progress: OnProgress = lambda _: None,
) -> ListsMade:
    """Writes a list for each shopper, in their order; memory does not grow with them but for 8 bytes each.

    Args:
        users: components.recommend.shoppers.ALL, or a file with ids.
        out: the Parquet file, a path or s3://bucket/path; it appears whole, at the end.
        log: directory or s3://bucket/path of a request log that gets a row for each list; empty: none.
        on_progress: called with a line every few seconds.

    Raises:
        InputError: `users` names no shoppers, or the moment is none.
        StoreUnavailable: the store does not answer. Nothing is written.
    """
    query = settings.query(int(time.time()))
    expected = count(users, store)
    made, progress = ListsMade(version=model.version, time_s=query.time_s), _Progress(expected, on_progress)
    maker = _Maker(model, query, settings, detailed=bool(log))
    moment = datetime.fromtimestamp(query.time_s, UTC).isoformat()
    threads = usable_cores()
    with ExitStack() as files:
        files.enter_context(threadpool_limits(limits=1))  # as in the server: the threads here are the parallelism
        lists_at = files.enter_context(published(out))
        lists = files.enter_context(ListFile(lists_at, list_schema(settings.k_new, model.version, moment)))
        sinks = [lists]
        if log:
            logged_at = files.enter_context(published(log_place(log, model.version)))
            sinks.append(files.enter_context(ListFile(logged_at, SCHEMA)))
        pool = files.enter_context(ThreadPoolExecutor(threads, thread_name_prefix="lists"))
        waiting: deque[Future[_Batch]] = deque()

        def take(left: int) -> None:
            while len(waiting) > left:
                batch = waiting.popleft().result()
                for sink in sinks:
                    sink.write(batch.rows)
                made.rungs.update(batch.rows["rung"].to_pylist())
                made.states.update(batch.rows["state"].to_pylist())
                made.violations.update(batch.violations)
                made.newest_s = max(made.newest_s, batch.newest_s)
                progress.add(len(batch.rows))

        repeats = Repeats()
        for shoppers_read in _batches(shoppers(users, store, query.before_s)):
            first = repeats.first([shopper.user_id for shopper in shoppers_read])
            batch = [shopper for shopper, is_first in zip(shoppers_read, first, strict=True) if is_first]
            made.repeated += len(shoppers_read) - len(batch)
            if batch:
                waiting.append(pool.submit(maker.batch, batch))
            take(2 * threads)
        take(0)
    return made


def _batches(every: Iterator[Shopper]) -> Iterator[list[Shopper]]:
    while batch := list(islice(every, MAX_BATCH)):
        yield batch


@dataclass(frozen=True, kw_only=True)
class _Batch:
    rows: pa.Table
    """Of the request log's SCHEMA."""
    violations: list[Violation]
    newest_s: int


class _Maker:
    """Answers a batch of shoppers, on any thread."""

    def __init__(self, model: ServedModel, query: Query, settings: ListSettings, detailed: bool) -> None:
        self._model, self._query, self._settings, self._detailed = model, query, settings, detailed
        self._popular = popular_items(model)

    def batch(self, shoppers_read: list[Shopper]) -> _Batch:
        """A row for each, in order."""
        begin, model = time.perf_counter(), self._model
        asked = []
        for shopper in shoppers_read:
            request_id = str(uuid.uuid4())
            is_detailed = self._detailed and sampled(request_id, self._settings.detail_percent)
            query = replace(self._query, user_id=shopper.user_id)
            state = damaged_state(query) if shopper.history is None else state_of(query, shopper.history)
            query, request = model_request(query, state, model.new_only, is_detailed)
            asked.append((request_id, query, state, request, Contract(model, request)))
        ranked = model.recommend([request for *_, request, _ in asked])
        answers = [
            answer_within(contract, model, request, (answer, Rung.FULL), self._popular)
            for (*_, request, contract), answer in zip(asked, ranked, strict=True)
        ]
        seconds = (time.perf_counter() - begin) / len(asked)
        rows, violations, newest_s = [], list[Violation](), 0
        for (request_id, query, state, request, _), (answer, rung, violation) in zip(asked, answers, strict=True):
            logged = row(request_id, model.version, query, state, answer, rung, seconds, "bulk")
            rows.append(logged | detail(state, answer) if request.detail else logged)
            violations += [violation] if violation else []
            newest_s = max(newest_s, int(np.max(request.history_time, initial=0)))
        return _Batch(rows=pa.Table.from_pylist(rows, SCHEMA), violations=violations, newest_s=newest_s)


class _Progress:
    """Lines with what is done and how long the rest takes, if it goes on as before."""

    def __init__(self, expected: int, on_progress: OnProgress) -> None:
        self._expected, self._on_progress = expected, on_progress
        self._done, self._begin = 0, time.monotonic()
        self._line_at = self._begin

    def add(self, lists: int) -> None:
        self._done += lists
        now = time.monotonic()
        if now - self._line_at < LINE_EVERY_S:
            return
        self._line_at = now
        left_s = (now - self._begin) * max(self._expected - self._done, 0) / self._done
        minutes, seconds = divmod(round(left_s), 60)
        self._on_progress(f"{self._done:,} of {self._expected:,} lists, about {minutes}:{seconds:02d} min left")
