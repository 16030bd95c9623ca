"""Examples: clean tables to trips with as-of history, and the catalog snapshot the model is built on."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from components.engines.engine import open_engine
from components.examples.catalog import build_catalog, first_snapshot
from components.examples.labels import label, positives
from components.examples.leakage import check_attributes, check_catalog, check_trips
from components.examples.promotions import read_promotions
from components.examples.trips import trips_of
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.catalog import Catalog
from model.data.schema import EVENTS
from model.data.trips import Trips
from model.errors import CheckFailed
from model.evaluation.next_basket_task import ITEMS, USERS
from model.files import atomic_directory, read_json, write_json
from tfx_configs.settings import RunSettings


def build_examples(settings: str, tables_dir: str, examples_dir: str) -> dict[str, Any]:
    """Writes trips/, catalog/, and items.parquet and users.parquet (attributes as strings) into `examples_dir`.

    Args:
        settings: RunSettings as JSON.
        tables_dir: what ingest wrote.
        examples_dir: replaced in one step.

    Returns:
        {trips, train_trips, test_trips, items}: counts; also what `vocabulary_report` says of the item ids, and what
        the label policy changed.

    Raises:
        CheckFailed: no trips before or after the cut; something knows its own future (components/examples/leakage.py).
    """
    run = RunSettings.from_json(settings)
    tables = Path(tables_dir)
    cut_s = int(read_json(tables / "ingest.json")["cut_s"])
    all_events = pq.read_table(
        tables / "events", columns=[name for name in EVENTS.names if name != c.REQUEST]
    ).to_pandas()
    events = positives(all_events, run.labels)
    items = pq.read_table(tables / "items.parquet").to_pandas()
    promotions = tables / "promotions.parquet"
    users = pq.read_table(tables / USERS).to_pandas() if (tables / USERS).exists() else None
    trips = read_trips(run, tables, cut_s)
    check_trips(trips)
    test = int((trips.time_T >= cut_s).sum())
    if test in (0, len(trips)):
        raise CheckFailed(f"expected trips on both sides of the cut, got {len(trips) - test} before and {test} after")
    progress(f"{len(trips):,} trips of {len(trips.user_ids):,} shoppers, {test:,} of them after the cut")
    catalog = build_catalog(
        trips,
        events,
        items,
        users=users,
        promotions=read_promotions(promotions, first_snapshot(trips, run)) if promotions.exists() else (),
        run=run,
    )
    check_catalog(trips, catalog)
    check_attributes(trips, catalog)
    trips, label_report = label(trips, all_events, catalog, run.labels)
    progress(f"catalog of {catalog.items:,} items, attributes {', '.join(catalog.attribute_names) or 'none'}")
    with atomic_directory(Path(examples_dir)) as out:
        trips.save(out / "trips")
        catalog.save(out / "catalog")
        items.to_parquet(out / ITEMS, index=False)
        if users is not None:
            users.to_parquet(out / USERS, index=False)
        report = _report(trips, catalog, run) | label_report
        write_json(out / "examples.json", report)
    return report


def read_trips(run: RunSettings, tables: Path, cut_s: int) -> Trips:
    """Trips of what ingest wrote, on the engine of the settings. Items: the listed ones, and those bought unlisted."""
    with open_engine(run.data) as engine:
        events, items = engine.read_parquet(tables / "events"), engine.read_parquet(tables / "items.parquet")
        bought = events.filter(events[c.EVENT_TYPE].isin(run.labels.positive_types), events[c.QUANTITY] > 0)
        every = items.select(c.ITEM).union(bought.select(c.ITEM), distinct=True)
        item_ids = np.sort(every.to_pyarrow()[c.ITEM].to_numpy())
        return trips_of(engine, bought, item_ids, cut_s, run.features.max_history)


def _report(trips: Trips, catalog: Catalog, run: RunSettings) -> dict[str, Any]:
    bought_E = trips.event_item_E[trips.event_time_E < trips.cut_s]
    return {
        "trips": len(trips),
        "train_trips": int((trips.time_T < trips.cut_s).sum()),
        "test_trips": int((trips.time_T >= trips.cut_s).sum()),
        "items": catalog.items,
        "vocabulary": catalog.vocabulary_size,
    } | vocabulary_report(catalog.vocabulary_I, bought_E, run.features.min_item_count)


def vocabulary_report(vocabulary_I: np.ndarray, bought_E: np.ndarray, floor: int) -> dict[str, Any]:
    """How well the vocabulary tells items apart: shares of training purchases, and of the items without an entry.

    Args:
        vocabulary_I: [I] int embedding row of each item.
        bought_E: [E] int item index of each training purchase, at least one.
        floor: purchases that give an item a row of its own.

    Returns:
        {vocabulary_coverage: purchases of items with a row of their own, oov_items: items without, oov_buckets: rows
        that those share by hash, oov_items_colliding: share of those whose bucket holds another item,
        oov_purchases_colliding: purchases that land in such a bucket}.
    """
    hashed_I = np.bincount(bought_E, minlength=len(vocabulary_I)) < floor
    shared_I = hashed_I & (np.bincount(vocabulary_I)[vocabulary_I] > 1)
    return {
        "vocabulary_coverage": round(float((~hashed_I)[bought_E].mean()), 4),
        "oov_items": int(hashed_I.sum()),
        "oov_buckets": len(np.unique(vocabulary_I[hashed_I])),
        "oov_items_colliding": round(float(shared_I.sum() / max(hashed_I.sum(), 1)), 4),
        "oov_purchases_colliding": round(float(shared_I[bought_E].mean()), 4),
    }
