"""Asks a model for its list on every trip, exactly as serving would: raw history in, item ids out."""

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from components.artifacts.evaluation import Latency
from model.api import Answer, Coded, Model, Ranked, Request
from model.data.trips import Trips
from model.errors import StageFailed
from model.evaluation.ranking_metrics import NO_ITEM

_NOTHING = Answer(item_ids=[], scores=[], reasons=[])


@dataclass(frozen=True, kw_only=True)
class Lists:
    """What one model answered. Shape legend: N trips, k places of a list."""

    items_Nk: np.ndarray
    """[N, k] int64 item indices, best first, padded with NO_ITEM."""
    score_Nk: np.ndarray
    """[N, k] float64 as given, NaN where the list has ended."""
    ranked: list[Ranked]
    """N lists of all that was ranked, where that was asked for and the model reports it; else empty."""


def request_of(
    trips: Trips, trip: int, k: int, detail: bool = False, new_only: bool | None = None, k_new: int = 0
) -> Request:
    """The request a shopper would have made at the moment of the trip. `detail`, `new_only`: as in Request, the latter
    by the task of the trips where it is None."""
    past = trips.history(trip)
    return Request(
        user_id=str(trips.user_ids[trips.user_T[trip]]),
        time_s=int(trips.time_T[trip]),
        history_item=trips.item_ids[trips.event_item_E[past]].tolist(),
        history_time=trips.event_time_E[past],
        history_store=Coded(trips.store_ids.tolist(), trips.event_store_E[past]),
        history_quantity=trips.event_quantity_E[past],
        history_price=trips.event_price_E[past],
        store_id=str(trips.store_ids[trips.store_T[trip]]),
        attributes=trips.attributes(int(trips.user_T[trip])),
        k=k,
        k_new=k_new,
        new_only=trips.task.new_only if new_only is None else new_only,
        detail=detail,
    )


def lists(
    model: Model,
    trips: Trips,
    which: np.ndarray,
    k: int = 20,
    batch: int = 64,
    detail: bool = False,
    new_only: bool | None = None,
) -> Lists:
    """The model's answers for the N trips of `which`; with `detail`, what each was chosen from.

    An item that the catalog no longer has keeps its place as NO_ITEM: a wasted recommendation, not a shorter list.

    Raises:
        StageFailed: the model broke its contract (answers missing, too long, or with duplicates).
    """
    answers = _answers(model, (request_of(trips, int(trip), k, detail, new_only) for trip in which), batch)
    score_Nk = np.full((len(which), k), np.nan)
    for row, answer in enumerate(answers):
        score_Nk[row, : len(answer.scores)] = answer.scores
    ranked = [answer.ranked for answer in answers if answer.ranked]
    items_Nk = _items(answers, trips, k)
    return Lists(items_Nk=items_Nk, score_Nk=score_Nk, ranked=ranked if len(ranked) == len(which) else [])


def shelf_lists(
    model: Model, trips: Trips, which: np.ndarray, k: int, batch: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """([N, k] "buy again", [N, k] "new for you"): items of both shelves, as in `lists`; it raises the same."""
    requests = (request_of(trips, int(trip), k, new_only=False, k_new=k) for trip in which)
    answers = _answers(model, requests, batch)
    return _items(answers, trips, k), _items([answer.new or _NOTHING for answer in answers], trips, k)


def _answers(model: Model, requests: Iterable[Request], batch: int) -> list[Answer]:
    """One for each request, `batch` of them at a time: no more histories are in memory as lists of ids."""
    answers: list[Answer] = []
    remaining = iter(requests)
    while asked := list(itertools.islice(remaining, batch)):
        made = model.recommend(asked)
        if len(made) != len(asked):
            raise StageFailed(f"expected {len(asked)} answers from model {model.version}, got {len(made)}")
        for request, answer in zip(asked, made, strict=True):
            _check(answer, request.k, model.version)
            if answer.new is not None:
                _check(answer.new, request.k_new, model.version)
        answers += made
    return answers


def _items(answers: Sequence[Answer], trips: Trips, k: int) -> np.ndarray:
    """[N, k] int64 item indices, padded with NO_ITEM."""
    index = {item: i for i, item in enumerate(trips.item_ids.tolist())}
    items_Nk = np.full((len(answers), k), NO_ITEM, dtype=np.int64)
    for row, answer in enumerate(answers):
        items_Nk[row, : len(answer.item_ids)] = [index.get(item, NO_ITEM) for item in answer.item_ids]
    return items_Nk


def latency_ms(model: Model, trips: Trips, which: np.ndarray, k: int = 10) -> Latency:
    """Median and 99th percentile of one-request calls in this process, milliseconds, after a short warm-up."""
    requests = [request_of(trips, int(trip), k) for trip in which]
    for request in requests[:5]:
        model.recommend([request])
    seconds = []
    for request in requests:
        begin = time.perf_counter()
        model.recommend([request])
        seconds.append(time.perf_counter() - begin)
    p50, p99 = np.quantile(1e3 * np.array(seconds), [0.5, 0.99])
    return Latency(p50_ms=float(p50), p99_ms=float(p99))


def _check(answer: Answer, k: int, version: str) -> None:
    ids = answer.item_ids
    if len(ids) > k or len(set(ids)) != len(ids):
        raise StageFailed(f"expected at most {k} distinct items from model {version}, got {len(ids)} with repeats")
    if len(answer.scores) != len(ids):
        raise StageFailed(f"expected a score for each item from model {version}, got {len(answer.scores)} scores")
