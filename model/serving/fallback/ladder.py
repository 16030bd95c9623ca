"""An answer within its deadline: the best rung of the ladder that there is time for.

Full ranking when it is expected to be done in time, else fewer candidates, else no ranking at all. What was started and
is not done in time is left behind, and the answer made without it. The expectation is the time that a batch on that
rung took lately, an average, times the batches that go before.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from model import api
from model.api import Rung
from model.serving.admission.gate import CLIENT
from model.serving.contract import Contract, Violation
from model.serving.fallback.batcher import Batcher
from model.serving.fallback.served_model import ServedModel
from model.serving.fallback.unranked import answer_within, made_up, popular_items
from model.serving.telemetry import metrics
from model.serving.v2_inputs import DEFAULT_K

RESERVE_S = 0.005
"""Kept back from the deadline for an answer without ranking, and for sending it."""
WARM_UP_HISTORIES = (0, 1, 100, 1000)
"""Lengths of the made-up histories that warm_up recommends for."""

_RANKED = (Rung.FULL, Rung.FEWER)
_log = logging.getLogger(__name__)


class Ladder:
    """One model and the threads that it runs on.

    Example:
        Where no time is left, the items that everybody buys are the answer.

        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> def shown(request, item_C, score_C, reason_C):
        ...     items = [item.decode() for item in item_C]
        ...     return api.Answer(item_ids=items, scores=score_C.tolist(), reasons=["popular"])
        >>> terms = SimpleNamespace(rules=None, codes=lambda items: np.ones(len(items)), offers=lambda barred, most: 1)
        >>> model = SimpleNamespace(
        ...     version="v1", half_life_days=120.0, new_only=False, shown=shown, terms=lambda request: terms
        ... )
        >>> ladder = Ladder(model, threads=1)
        >>> ladder.popular = ["milk"]
        >>> request = api.Request(user_id="ann", time_s=0, history_item=[], history_time=np.empty(0))
        >>> answer, rung = asyncio.run(ladder.answer(request, deadline=time.perf_counter()))
        >>> answer.item_ids, rung.value
        (['milk'], 'popular')
        >>> ladder.close()
    """

    def __init__(self, model: ServedModel, threads: int) -> None:
        self.model = model
        self._threads = threads
        self._batcher = Batcher(self._timed, threads, metrics.QUEUE_SECONDS.labels(model.version).observe)
        self._expected_s = dict.fromkeys(_RANKED, 0.0)
        self._failing = False
        self._violations: set[Violation] = set()
        self.popular: list[str] = []

    def warm_up(self) -> None:
        """Runs every ranked rung, alone and in batches, and keeps what an unknown shopper would get.

        Raises what the model raises: a model that cannot rank does not become ready.
        """
        for rung in _RANKED:
            requests = [made_up(length, DEFAULT_K) for length in WARM_UP_HISTORIES * self._threads]
            for job in [self._batcher.submit(request, rung is Rung.FEWER) for request in requests]:
                job.result()
            for request in requests[: len(WARM_UP_HISTORIES)]:
                self._batcher.submit(request, rung is Rung.FEWER).result()
            self._expected_s[rung] = 0.0  # the first runs compile and do not predict the next
        self.popular = popular_items(self.model)

    async def answer(self, request: api.Request, deadline: float) -> tuple[api.Answer, Rung]:
        """The answer and its rung by `deadline`, a reading of time.perf_counter; it does not raise for the model.

        An answer that breaks the contract is counted, and the next rung answers.
        """
        contract = Contract(self.model, request)
        last = deadline - RESERVE_S
        rung = self._affordable(last - time.perf_counter())
        ranked = None if rung is None else await self._ranked(request, rung, last)
        by_rung = None if ranked is None or rung is None else (ranked, rung)
        answer, rung, violation = answer_within(contract, self.model, request, by_rung, self.popular)
        if violation is not None:
            self._broken(violation, request)
        return answer, rung

    def close(self) -> None:
        """Waits for what still runs."""
        self._batcher.close()

    def _affordable(self, left_s: float) -> Rung | None:
        """The best ranked rung that should be done within `left_s`; None when there is none."""
        rounds = self._batcher.rounds(CLIENT.get())
        for rung in _RANKED:
            if self._expected_s[rung] * rounds <= left_s:
                return rung
            self._expected_s[rung] *= 0.98  # so that what was thought too slow is tried again
        return None

    async def _ranked(self, request: api.Request, rung: Rung, last: float) -> api.Answer | None:
        """None when the model failed or was not done by `last`."""
        work = asyncio.wrap_future(self._batcher.submit(request, rung is Rung.FEWER, CLIENT.get()))
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
        rung, took_s = Rung.FEWER if fewer else Rung.FULL, time.perf_counter() - begin
        self._expected_s[rung] += 0.1 * (took_s - self._expected_s[rung])  # the last ten or so count most
        metrics.of(metrics.BATCH_SIZE, self.model.version).observe(len(requests))
        return answers

    def _failed(self, error: BaseException) -> None:
        """Counts every failure and logs the first of a series."""
        metrics.MODEL_FAILURES.labels(self.model.version).inc()
        if not self._failing:
            _log.error("the model fails; answers come from lower rungs", exc_info=error)
        self._failing = True

    def _broken(self, violation: Violation, request: api.Request) -> None:
        """Counts a request whose answer broke the contract, once, and logs the first of each kind."""
        metrics.of(metrics.VIOLATIONS, self.model.version, violation).inc()
        if violation not in self._violations:
            _log.error("an answer broke the contract (%s): k %d, k_new %d", violation, request.k, request.k_new)
        self._violations.add(violation)
