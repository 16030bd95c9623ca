"""Examples: clean tables to trips with as-of history, and the catalog snapshot the model is built on."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from ibis import _

from components.artifacts.examples import Examples, ExamplesReport
from components.artifacts.tables import Tables
from components.engines.engine import open_engine
from components.examples.catalog import build_catalog, first_snapshot
from components.examples.habits import task_of
from components.examples.judgeable import check_judgeable, judgeable
from components.examples.labels import label, of_task
from components.examples.leakage import check_attributes, check_catalog, check_trips
from components.examples.parts import EVENTS_PER_GB, Lines, by_shopper
from components.examples.promotions import read_promotions
from components.examples.trips import JUDGED, LEARNED, trips_of, with_attributes
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.labels import is_of_types, is_positive, judged_types, positive_types
from model.data.schema import EVENTS
from model.data.trips import Trips
from model.errors import CheckFailed
from model.system.memory import give_back
from tfx_configs.stages import ExamplesStage

ENGINES_SHARE, LEAST_GB = 3, 1.0
"""Of `data.memory_gb` the engine gets one part in so many, or this: the rest is for the arrays."""


def build_examples(*, run: ExamplesStage, tables_dir: Path, examples_dir: Path) -> ExamplesReport:
    """Writes trips, catalog and the tables of attributes (components/artifacts/examples.py).

    Args:
        tables_dir: what ingest wrote.
        examples_dir: replaced in one step.

    Raises:
        InputError: ingest wrote nothing there.
        CheckFailed: no trips before or after the cut; something knows its own future (components/examples/leakage.py).
    """
    tables = Tables.load(tables_dir)
    cut_s = tables.report.cut_s
    items = pq.read_table(tables.items).to_pandas()
    users = pq.read_table(tables.users).to_pandas() if tables.users else None
    learned, judged = (types(run.labels, tables.report.purchases) for types in (positive_types, judged_types))
    run = run.replace(labels=run.labels.replace(positive_types=learned))
    trips, lines, why = read_trips(run, tables, cut_s)
    give_back()
    progress(f"task {trips.task.words}: {why}")
    check_trips(trips, judged_are_learned=set(judged) <= set(learned))
    test = int((trips.time_T >= cut_s).sum())
    if test in (0, len(trips)):
        raise CheckFailed(f"expected trips on both sides of the cut, got {len(trips) - test} before and {test} after")
    progress(f"{len(trips):,} trips of {len(trips.user_ids):,} shoppers, {test:,} of them after the cut")
    check_judgeable(of_task(trips), tables, run, judged)
    catalog = build_catalog(
        trips,
        lines.price_E,
        items,
        users=users,
        promotions=read_promotions(tables.promotions, first_snapshot(trips, run)) if tables.promotions else (),
        run=run,
    )
    check_catalog(trips, catalog)
    check_attributes(trips, catalog)
    trips = with_attributes(trips, users)
    trips, label_counts = label(trips, lines, catalog, run.labels)
    progress(f"catalog of {catalog.items:,} items, attributes {', '.join(catalog.attribute_names) or 'none'}")
    bought_E = trips.event_item_E[trips.event_time_E < cut_s]
    counts: dict[str, float] = {
        "trips": len(trips),
        "train_trips": len(trips) - test,
        "test_trips": test,
        "items": catalog.items,
        "vocabulary": catalog.vocabulary_size,
    }
    counts |= vocabulary_report(catalog.vocabulary_I, bought_E, run.features.min_item_count) | label_counts
    counts |= judgeable(trips) | {"views": len(trips.view_item_V)}
    warm, cold = counts["judged_trips"], counts["cold_trips"]
    progress(f"judged on {' and '.join(judged)}: {warm:,} trips, and {cold:,} more without a history")
    about = {"task": trips.task, "task_reason": why, "learned_from": learned, "judged_on": judged}
    report = ExamplesReport.model_validate({**counts, **about})
    Examples.save(examples_dir, trips=trips, catalog=catalog, items=items, users=users, report=report)
    return report


def read_trips(run: ExamplesStage, tables: Tables, cut_s: int) -> tuple[Trips, Lines, str]:
    """Trips of what ingest wrote, on the engine of the settings, a part of the shoppers at a time; why their task is
    the one it is. Items: the listed ones, and those bought unlisted."""
    report = tables.report
    judged = judged_types(run.labels, report.purchases)
    data = run.data.replace(memory_gb=max(run.data.memory_gb / ENGINES_SHARE, min(LEAST_GB, run.data.memory_gb)))
    with open_engine(data, tables.directory) as engine:
        events, items = engine.read_parquet(tables.events), engine.read_parquet(tables.items)
        events = events.select(name for name in EVENTS.names if name != c.REQUEST)
        marks = {
            LEARNED: is_positive(events.__getitem__, run.labels),
            JUDGED: is_of_types(events.__getitem__, judged),
        }
        marked = events.mutate(**marks)
        every = items.select(c.ITEM).union(marked.filter(_[LEARNED] | _[JUDGED]).select(c.ITEM), distinct=True)
        item_ids = np.sort(every.to_pyarrow()[c.ITEM].to_numpy())
        parts = by_shopper(engine, marked, report.events, EVENTS_PER_GB * run.data.memory_gb)
        task, why = task_of(run, engine, parts, report.purchases)
        return *trips_of(engine, parts, item_ids, cut_s, run.features.max_history, task), why


def vocabulary_report(vocabulary_I: np.ndarray, bought_E: np.ndarray, floor: int) -> dict[str, float]:
    """How well the vocabulary separates items: shares of training purchases, and of the items without an entry.

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
