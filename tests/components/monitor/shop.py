"""A shop of weekly shoppers, twelve and more weeks before the cut and four after it, and the log of a model that served
those four through the server's own code."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import kserve
import numpy as np
import pandas as pd
from kserve.protocol.infer_type import InferInput

from components.artifacts import purchases
from components.monitor.data import baseline as reference
from components.monitor.data import visits
from components.rollout.local.trip_traffic import seed_store
from model.data import columns as c
from model.data.trips import Trips
from model.files import write_json
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from model.serving.predictor import Limits, Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from tests.components.monitor.world import World
from tests.model.serving.fake_server import FakeModel
from tests.trips_of_events import build_trips
from tests.worlds import at, seconds, write
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S

SHOPPERS, ITEMS, UNSOLD, WEEKS, CUT_WEEK = 560, 120, 40, 20, 16
CUT_S = seconds(7 * CUT_WEEK)
SETTINGS = MonitorSettings(sampled_visits=2000)
VERSION = "served-1"


def events() -> pd.DataFrame:
    """80 shoppers a day, each once a week between nine and seven: three of six favourites and something else."""
    rng = np.random.default_rng(11)
    shopper = np.repeat(np.arange(SHOPPERS), WEEKS)
    week = np.tile(np.arange(WEEKS), SHOPPERS)
    favourites = rng.integers(0, ITEMS, (SHOPPERS, 6))
    chosen = rng.permuted(np.tile(np.arange(6), (len(shopper), 1)), axis=1)[:, :3]
    items = np.concatenate([favourites[shopper[:, None], chosen], rng.integers(0, ITEMS, (len(shopper), 1))], axis=1)
    minute = rng.integers(9 * 60, 19 * 60, len(shopper))
    day = 7 * week + shopper % 7
    frame = pd.DataFrame(
        {
            c.USER: np.repeat([f"u{n:03d}" for n in shopper], 4),
            c.ITEM: [f"i{n:03d}" for n in items.ravel()],
            c.TIME: np.repeat(at(0) + pd.to_timedelta(day * 24 * 60 + minute, unit="min"), 4),
            c.BASKET: np.repeat([f"b{n}-{w}" for n, w in zip(shopper, week, strict=True)], 4),
            c.EVENT_TYPE: c.PURCHASE,
            c.QUANTITY: 1.0,
            c.PRICE: 1.0 + items.ravel() / 10,
            c.STORE: np.repeat(np.where(shopper % 2, "s1", "s2"), 4),
        }
    )
    return frame.drop_duplicates([c.BASKET, c.ITEM]).sort_values(c.TIME, ignore_index=True)


def promotions() -> pd.DataFrame:
    """Two items each week."""
    start = np.repeat([at(7 * week) for week in range(WEEKS)], 2)
    items = [f"i{n % ITEMS:03d}" for n in range(len(start))]
    end = start + pd.Timedelta(days=7)
    return pd.DataFrame({c.ITEM: items, c.STORE: "s1", c.START: start, c.END: end, c.KIND: "display"})


def make(folder: Path) -> World:
    """Leaves tables/, examples/trips, rollout/requests, evaluation/ and reference/ in the folder.

    The model's scores, 1 by its place, happen to add up to what is bought of its lists.
    """
    bought = events()
    write(folder / "tables", events=bought, promotions=promotions())
    ids = np.array([f"i{n:03d}" for n in range(ITEMS + UNSOLD)], dtype=object)
    trips: Trips = build_trips(bought, ids, CUT_S, 100)
    trips.save(folder / "examples" / "trips")
    popular = tuple(bought[c.ITEM].value_counts().index[:10])
    log = record(trips, FakeModel(version=VERSION, items=popular), folder / "rollout")
    tables, built = folder / "tables", folder / "reference"
    level = {"recall@10": 0.75, "calibration_ratio@10": 1.0}
    names = {"served": VERSION, reference.PLAIN: reference.PLAIN}
    write_json(folder / "evaluation" / "metrics.json", {"models": dict.fromkeys(names, level), "versions": names})
    reference.build(
        tables=tables,
        examples=folder / "examples",
        out=built,
        run=RunSettings(),
        settings=SETTINGS,
        evaluation=folder / "evaluation",
    )
    end_s = CUT_S + 28 * DAY_S
    return World(
        requests=visits.read(log, CUT_S, end_s),
        purchases=purchases.read(tables, CUT_S, end_s, LabelSettings()),
        promotion_starts=purchases.promotion_starts(tables),
        baseline=reference.load(built),
        settings=SETTINGS,
    )


def record(trips: Trips, model: FakeModel, folder: Path) -> Path:
    """The request log of all trips after the cut: each asked of the server's own code, then bought."""
    log_dir, store = folder / "requests", LmdbStore(seed_store(trips, folder / "store", 2048), 2048)
    with RequestLog(log_dir, LogOptions(detail_percent=20.0)) as log:
        predictor = Predictor(lambda: model, store, log, Limits(deadline_ms=5000.0))
        predictor.load()
        try:
            asyncio.run(_answer(trips, predictor, store))
        finally:
            predictor.close()
            store.close()
    return log_dir


async def _answer(trips: Trips, predictor: Predictor, store: LmdbStore) -> None:
    for trip in trips.test_trips().tolist():
        user, time_s = str(trips.user_ids[trips.user_T[trip]]), int(trips.time_T[trip])
        sent = {
            "user_id": user,
            "store_id": str(trips.store_ids[trips.store_T[trip]]),
            "request_time": datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        inputs = [InferInput(name, [1], "BYTES", data=[value]) for name, value in sent.items()]
        await predictor.predict(kserve.InferRequest("aisle", inputs, request_id=f"trip-{trip}"), {})
        bought = trips.item_ids[trips.basket(trip)].tolist()
        store.append([Event(user_id=user, item_id=i, time_s=time_s, event_id=f"{trip}/{i}") for i in bought])
