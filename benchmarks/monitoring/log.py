"""A request log made by the server's own code: trips asked one after the other, each followed by its purchases."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import kserve
import numpy as np
from kserve.protocol.infer_type import InferInput

from components.rollout.local.trip_traffic import seed_store
from model import api
from model.data.personal_frequency import HALF_LIFE_DAYS
from model.data.trips import Trips
from model.serving.fallback.ladder import ServedModel, unranked
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from model.serving.predictor import Limits, Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from tfx_configs.units import DAY_S

DETAIL_PERCENT, MAX_HISTORY = 20.0, 2048
DEADLINE_MS = 5000.0
"""Generous: what is measured here is data, not speed."""


def record(trips: Trips, load_model: Callable[[], ServedModel], folder: Path, days: int) -> None:
    """Answers the trips of the first `days` days after the cut in time order, into the log folder/requests.

    The store begins with all events before the cut; every shopper's purchases follow as events, as in the demo.
    """
    log_dir = folder / "requests"
    shutil.rmtree(log_dir, ignore_errors=True)
    store = LmdbStore(seed_store(trips, folder / "store", MAX_HISTORY), MAX_HISTORY)
    with RequestLog(log_dir, LogOptions(detail_percent=DETAIL_PERCENT)) as log:
        predictor = Predictor(load_model, store, log, Limits(deadline_ms=DEADLINE_MS))
        predictor.load()
        which = trips.test_trips()
        try:
            within = trips.time_T[which] < trips.cut_s + days * DAY_S
            asyncio.run(_play(trips, which[within], predictor, store))
        finally:
            predictor.close()
            store.close()


async def _play(trips: Trips, which: np.ndarray, predictor: Predictor, store: LmdbStore) -> None:
    for trip in which:
        user, time_s = str(trips.user_ids[trips.user_T[trip]]), int(trips.time_T[trip])
        inputs = [
            InferInput(name, [1], "BYTES", data=[value])
            for name, value in (
                ("user_id", user),
                ("store_id", str(trips.store_ids[trips.store_T[trip]])),
                ("request_time", datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
            )
        ]
        await predictor.predict(kserve.InferRequest("aisle", inputs, request_id=f"trip-{trip}"), {})
        basket = trips.item_ids[trips.basket(int(trip))].tolist()
        store.append(
            [Event(user_id=user, item_id=str(item), time_s=time_s, event_id=f"{trip}/{item}") for item in basket]
        )


@dataclass(kw_only=True)
class PlainModel:
    """A ranker without training: what the shopper bought most, lately; popular items fill up the list."""

    version: str
    popular: tuple[str, ...]
    score_is_probability: bool = False
    half_life_days: float = HALF_LIFE_DAYS

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        return [unranked(self, request, self.popular, personal=True)[0] for request in requests]

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        k = request.k
        items, reasons = ([value.decode() for value in values[:k]] for values in (item_C, reason_C))
        return api.Answer(item_ids=items, scores=[float(score) for score in score_C[:k]], reasons=reasons)
