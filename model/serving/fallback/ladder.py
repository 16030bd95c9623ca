"""An answer within its deadline: the best rung of the ladder that there is time for.

Full ranking when it is expected to be done in time, else fewer candidates, else no ranking at all. What was started and
is not done in time is left behind, and the answer made without it. The expectation is the time that a batch on that
rung took lately, times the batches that go before.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

import numpy as np

from model import api
from model.api import Rung
from model.serving.fallback.batcher import Batcher
from model.serving.fallback.rungs import ServedModel, unranked
from model.serving.telemetry import metrics
from model.serving.v2_inputs import DEFAULT_K, MAX_K

RESERVE_S = 0.005
"""Kept back from the deadline for an answer without ranking, and for sending it."""
WARM_UP_HISTORIES = (0, 1, 100, 1000)
"""Lengths of the made-up histories that warm_up recommends for."""

_RANKED = (Rung.FULL, Rung.FEWER)
_log = logging.getLogger(__name__)


class Expected:
    """How long one kind of work takes, seconds: an average in which the last ten or so count most."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def took(self, seconds: float) -> None:
        self.seconds += 0.1 * (seconds - self.seconds)

    def passed_over(self) -> None:
        """It was thought too slow: think a little better of it each time, so that it is tried again."""
        self.seconds *= 0.98


class Ladder:
    """One model and the threads that it runs on."""

    def __init__(self, model: ServedModel, threads: int) -> None:
        self.model = model
        self._threads = threads
        self._batcher = Batcher(self._timed, threads, metrics.QUEUE_SECONDS.labels(model.version).observe)
        self._expected = {rung: Expected() for rung in _RANKED}
        self._failing = False
        self.popular: list[str] = []

    def warm_up(self) -> None:
        """Runs every ranked rung, alone and in batches, and keeps what an unknown shopper would get.

        Raises what the model raises: a model that cannot rank does not become ready.
        """
        for rung in _RANKED:
            requests = [_made_up(length, DEFAULT_K) for length in WARM_UP_HISTORIES * self._threads]
            for job in [self._batcher.submit(request, rung is Rung.FEWER) for request in requests]:
                job.result()
            for request in requests[: len(WARM_UP_HISTORIES)]:
                self._batcher.submit(request, rung is Rung.FEWER).result()
            self._expected[rung] = Expected()  # the first runs compile and do not predict the next
        self.popular = self.model.recommend([_made_up(0, MAX_K)])[0].item_ids

    async def answer(self, request: api.Request, deadline: float) -> tuple[api.Answer, Rung]:
        """The answer and its rung by `deadline`, a reading of time.perf_counter; it does not raise for the model."""
        last = deadline - RESERVE_S
        rung = self._affordable(last - time.perf_counter())
        if rung is not None:
            answer = await self._ranked(request, rung, last)
            if answer is not None:
                return answer, rung
        return unranked(self.model, request, self.popular, personal=True)

    def close(self) -> None:
        """Waits for what still runs."""
        self._batcher.close()

    def _affordable(self, left_s: float) -> Rung | None:
        """The best ranked rung that should be done within `left_s`; None when there is none."""
        rounds = self._batcher.rounds()
        for rung in _RANKED:
            if self._expected[rung].seconds * rounds <= left_s:
                return rung
            self._expected[rung].passed_over()
        return None

    async def _ranked(self, request: api.Request, rung: Rung, last: float) -> api.Answer | None:
        """None when the model failed or was not done by `last`."""
        work = asyncio.wrap_future(self._batcher.submit(request, rung is Rung.FEWER))
        done, _ = await asyncio.wait({work}, timeout=max(last - time.perf_counter(), 0))
        if not done:
            work.cancel()
            metrics.LATE.labels(self.model.version).inc()
            return None
        if (error := work.exception()) is not None:
            self._failed(error)
            return None
        self._failing = False
        return work.result()

    def _timed(self, requests: Sequence[api.Request], fewer: bool) -> list[api.Answer]:
        begin = time.perf_counter()
        answers = self.model.recommend(requests, fewer=fewer)
        self._expected[Rung.FEWER if fewer else Rung.FULL].took(time.perf_counter() - begin)
        metrics.BATCH_SIZE.labels(self.model.version).observe(len(requests))
        return answers

    def _failed(self, error: BaseException) -> None:
        """Counts every failure and logs the first of a series."""
        metrics.MODEL_FAILURES.labels(self.model.version).inc()
        if not self._failing:
            _log.error("the model fails; answers come from lower rungs", exc_info=error)
        self._failing = True


def _made_up(length: int, k: int) -> api.Request:
    """A request of a shopper that no catalog has anything about, now."""
    now_s = int(time.time())
    return api.Request(
        user_id="warm-up",
        time_s=now_s,
        history_item=["warm-up"] * length,
        history_time=np.arange(now_s - length, now_s, dtype=np.int64),
        k=k,
    )
