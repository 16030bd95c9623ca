"""A request log made by the server's own code: trips asked one after the other, each followed by its purchases."""

import asyncio
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import kserve
import numpy as np
from kserve.protocol.infer_type import InferInput

from components.rollout.local.trip_traffic import lines, seed_store
from components.rollout.local.v2_client import rfc3339
from model.data.trips import Trips
from model.serving.fallback.served_model import ServedModel
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
        values = {
            "user_id": user,
            "store_id": str(trips.store_ids[trips.store_T[trip]]),
            "request_time": rfc3339(time_s),
        }
        inputs = [InferInput(name, [1], "BYTES", data=[value]) for name, value in values.items()]
        await predictor.predict(kserve.InferRequest("aisle", inputs, request_id=f"trip-{trip}"), {})
        store.append(
            [
                Event(user_id=user, time_s=time_s, event_id=f"{trip}/{line.item_id}", **dataclasses.asdict(line))
                for line in lines(trips, int(trip))
            ]
        )
