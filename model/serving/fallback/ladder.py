"""An answer within its deadline: the best rung of the ladder that there is time for.

Full ranking when it is expected to be done in time, else fewer candidates, else no ranking at all. What was started and
is not done in time is left behind, and the answer made without it. The expectation is the time that a batch on that
rung took lately, an average, times the batches that go before.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from model import api
from model.api import SOURCES, Rung
from model.data.personal_frequency import top_frequency
from model.errors import ModelRefused
from model.rerank.shelves import joined, shelves
from model.serving.contract import Contract, Terms, Violation
from model.serving.fallback.batcher import Batcher
from model.serving.telemetry import metrics
from model.serving.v2_inputs import DEFAULT_K, MAX_K
from tfx_configs.units import DAY_S

RESERVE_S = 0.005
"""Kept back from the deadline for an answer without ranking, and for sending it."""
WARM_UP_HISTORIES = (0, 1, 100, 1000)
"""Lengths of the made-up histories that warm_up recommends for."""

FILL = 1e-6
"""Score below which the popular items follow the shopper's own."""

_OWN, _POPULAR = SOURCES[0], SOURCES[-1]
_RANKED = (Rung.FULL, Rung.FEWER)
_log = logging.getLogger(__name__)


class ServedModel(api.Model, Protocol):
    """What serving needs from a loaded model (model.package.loaded_model.LoadedModel)."""

    half_life_days: float
    """Of personal frequency, in days."""
    new_only: bool
    """Whether the history is left out where a request leaves it open."""

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        """As api.Model; `fewer`: from the shopper's recent items and the popular ones only, quicker."""
        ...

    def check(self, request: api.Request) -> None:
        """Raises InputError where it asks for what the catalog does not have."""
        ...

    def terms(self, request: api.Request) -> Terms:
        """What may be listed for this request under the current rules."""
        ...

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        """The answer from ranked candidates (bytes, float, bytes, best first): rules and re-ranking applied."""
        ...


class Ladder:
    """One model and the threads that it runs on.

    Example:
        Where no time is left, the items that everybody buys are the answer.

        >>> from types import SimpleNamespace
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
            requests = [_made_up(length, DEFAULT_K) for length in WARM_UP_HISTORIES * self._threads]
            for job in [self._batcher.submit(request, rung is Rung.FEWER) for request in requests]:
                job.result()
            for request in requests[: len(WARM_UP_HISTORIES)]:
                self._batcher.submit(request, rung is Rung.FEWER).result()
            self._expected_s[rung] = 0.0  # the first runs compile and do not predict the next
        newcomer = _made_up(0, MAX_K)
        answer = self.model.recommend([newcomer])[0]
        if broken := Contract(self.model, newcomer).violation(answer):
            raise ModelRefused(f"{self.model.version}: its list of what is popular breaks the contract ({broken})")
        self.popular = answer.item_ids

    async def answer(self, request: api.Request, deadline: float) -> tuple[api.Answer, Rung]:
        """The answer and its rung by `deadline`, a reading of time.perf_counter; it does not raise for the model.

        An answer that breaks the contract is counted, and the next rung answers.
        """
        contract, violations = Contract(self.model, request), list[Violation]()
        last = deadline - RESERVE_S
        rung = self._affordable(last - time.perf_counter())
        answer = None if rung is None else await self._ranked(request, rung, last)
        if answer is None or rung is None or _breaks(contract, answer, violations):
            answer, rung = unranked(self.model, request, self.popular, personal=True)
            if rung is Rung.PERSONAL and _breaks(contract, answer, violations):
                answer, rung = unranked(self.model, request, self.popular, personal=False)
            if rung is Rung.POPULAR:
                _breaks(contract, answer, violations)  # there is no other answer: it is given, and counted
        if violations:
            self._broken(violations[0], request)
        return answer, rung

    def close(self) -> None:
        """Waits for what still runs."""
        self._batcher.close()

    def _affordable(self, left_s: float) -> Rung | None:
        """The best ranked rung that should be done within `left_s`; None when there is none."""
        rounds = self._batcher.rounds()
        for rung in _RANKED:
            if self._expected_s[rung] * rounds <= left_s:
                return rung
            self._expected_s[rung] *= 0.98  # so that what was thought too slow is tried again
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


def _breaks(contract: Contract, answer: api.Answer, violations: list[Violation]) -> bool:
    """Whether it does; how, is added to `violations`."""
    violation = contract.violation(answer)
    if violation is not None:
        violations.append(violation)
    return violation is not None


def unranked(
    model: ServedModel, request: api.Request, popular: Sequence[str], personal: bool
) -> tuple[api.Answer, Rung]:
    """The answer without ranking, in well under a millisecond, under the same rules.

    Personal frequency: each purchase halves every `half_life_days` of the model, and popular items follow. A shopper
    without a history gets the popular items either way, as does a request for new items alone; the rung shows which.

    Args:
        popular: best first.
    """
    asked = shelves(request)
    answers = [_unranked(model, shelf, popular, personal) for shelf in asked]
    rungs = [rung for _, rung in answers]
    return joined([request], [answer for answer, _ in answers])[0], rungs[0]


def _unranked(
    model: ServedModel, request: api.Request, popular: Sequence[str], personal: bool
) -> tuple[api.Answer, Rung]:
    """Of one shelf."""
    own = _own_counts(request, model.half_life_days) if personal and not request.asks_for_new(model.new_only) else []
    rung = Rung.PERSONAL if own else Rung.POPULAR
    excluded = request.barred(model.new_only)
    ranked = [(FILL + count / (1 + count), item, _OWN) for item, count in own if item not in excluded]
    excluded.update(item for item, _ in own)
    ranked += [(FILL / (1 + place), item, _POPULAR) for place, item in enumerate(popular) if item not in excluded]
    score_C, item_C, reason_C = zip(*ranked, strict=True) if ranked else ((), (), ())
    answer = model.shown(
        request,
        np.array([item.encode() for item in item_C], dtype=np.object_),
        np.array(score_C, dtype=np.float32),
        np.array([reason.encode() for reason in reason_C], dtype=np.object_),
    )
    return answer, rung


def _own_counts(request: api.Request, half_life_days: float) -> list[tuple[str, float]]:
    """(item, decayed count) of the shopper's history, best first, equal counts by item id."""
    names = sorted(set(request.history_item))
    code = {name: n for n, name in enumerate(names)}
    item_H = np.array([code[name] for name in request.history_item], np.int64)
    age_H = (request.time_s - np.asarray(request.history_time, np.float64)) / DAY_S
    _, item_P, count_P = top_frequency(np.zeros_like(item_H), item_H, age_H, half_life_days)
    return [(names[item], count) for item, count in zip(item_P.tolist(), count_P.tolist(), strict=True)]


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
