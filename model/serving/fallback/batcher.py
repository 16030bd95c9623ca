"""Micro-batching: a free thread ranks all requests that wait, together. No request waits for a batch to fill.

The fixed cost of the networks' calls is paid once a batch, so the busier the server, the less CPU a request takes.
Clients take turns: one with many requests waits for itself, and the next client's one is in the next batch (fair
queuing: Nagle, "On packet switches with infinite storage", RFC 970, 1985).
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from opentelemetry.context import Context

from model.api import Answer, Request
from model.serving.telemetry import tracing

MAX_BATCH = 8
"""Larger ones save little CPU and make everybody in them wait longer."""

Run = Callable[[Sequence[Request], bool], list[Answer]]
"""(requests, fewer) -> one answer for each request."""
OnWait = Callable[[float], None]
"""Called with a request's wait for a thread, seconds."""


@dataclass(kw_only=True, slots=True)
class _Job:
    request: Request
    fewer: bool
    future: Future[Answer] = field(default_factory=Future)
    submitted: float = field(default_factory=time.perf_counter)
    parent: Context | None = field(default_factory=tracing.parent)


class Batcher:
    """Threads that answer submitted requests, one of each client in turn and its oldest first, those of one kind
    (`fewer` or not) together.

    Example:
        >>> from types import SimpleNamespace
        >>> def run(requests, fewer):
        ...     return [Answer(item_ids=[request.user_id], scores=[1.0], reasons=["popular"]) for request in requests]
        >>> batcher = Batcher(run, threads=1)
        >>> batcher.submit(SimpleNamespace(user_id="ann"), fewer=False).result().item_ids
        ['ann']
        >>> batcher.close()
    """

    def __init__(self, run: Run, threads: int, on_wait: OnWait = lambda _: None) -> None:
        self._run, self._on_wait = run, on_wait
        self._waiting: dict[str, deque[_Job]] = {}
        """{client: its jobs}, the client whose turn it is first; none without a job."""
        self._wake = threading.Condition()
        self._open = True
        self._busy = 0
        self._threads = [threading.Thread(target=self._work, name=f"rank-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Request, fewer: bool, client: str = "") -> Future[Answer]:
        """The answer to come; when cancelled before a thread takes it, nothing is run for it."""
        job = _Job(request=request, fewer=fewer)
        with self._wake:
            self._waiting.setdefault(client, deque()).append(job)
            self._wake.notify()
        return job.future

    def rounds(self, client: str = "") -> int:
        """How many batches, one after the other, it takes until what the client submits now is done, at most."""
        with self._wake:
            own = len(self._waiting.get(client, ()))
            before = own + sum(min(len(jobs), own + 1) for other, jobs in self._waiting.items() if other != client)
            return 1 + (self._busy == len(self._threads)) + before // (MAX_BATCH * len(self._threads))

    def close(self) -> None:
        """Cancels what waits, and waits for what runs."""
        with self._wake:
            self._open = False
            for job in itertools.chain(*self._waiting.values()):
                job.future.cancel()
            self._waiting.clear()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._next():
            try:
                self._report_wait(jobs)
                self._answer(jobs)
            finally:
                with self._wake:
                    self._busy -= 1

    def _next(self) -> list[_Job]:
        """The next batch, without the cancelled; empty at the end."""
        with self._wake:
            while self._open:
                jobs: list[_Job] = []
                while self._waiting and len(jobs) < MAX_BATCH:
                    client, queue = next(iter(self._waiting.items()))
                    if jobs and queue[0].fewer != jobs[0].fewer:
                        break
                    job = queue.popleft()
                    del self._waiting[client]
                    if queue:
                        self._waiting[client] = queue  # behind the others
                    if job.future.set_running_or_notify_cancel():
                        jobs.append(job)
                if jobs:
                    self._busy += 1
                    return jobs
                self._wake.wait()
        return []

    def _report_wait(self, jobs: Sequence[_Job]) -> None:
        now = time.perf_counter()
        for job in jobs:
            self._on_wait(now - job.submitted)
            tracing.stage_of(job.parent, "queue", now - job.submitted)

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Where a batch fails, each of it is tried alone: one request must not take others down."""
        try:
            with tracing.batch([job.parent for job in jobs]):
                answers = self._run([job.request for job in jobs], jobs[0].fewer)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            for job in jobs:
                self._answer([job])
            return
        for job, answer in zip(jobs, answers, strict=True):
            job.future.set_result(answer)
