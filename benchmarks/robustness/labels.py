"""What does each label policy change on The Complete Journey? One full training a policy, judged on the same trips.

`python -m benchmarks.robustness.labels` writes build/bench/labels.json anew after each policy, so that a run cut short
says what it knows. The second training without a policy, with another seed, shows how much is noise.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.harness.result_file import write_result
from components.artifacts.examples import Examples
from components.evaluate.predictions import recommend_all
from components.examples.labels import label
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train.run import train
from model.data import columns as c
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task, load_task
from model.package import loaded_model as package
from tfx_configs.labels import LabelSettings
from tfx_configs.recipes import full
from tfx_configs.settings import RunSettings

SEED, ROUNDS, K = 7, 1000, 20
REPORTED = ("ndcg@10", "recall@10", "explore_recall@10")
NONE = "none"
POLICIES: dict[str, tuple[LabelSettings, int]] = {
    NONE: (LabelSettings(), SEED),
    "none, another seed": (LabelSettings(), SEED + 1),
    "gift baskets out (familiarity under 0.6)": (LabelSettings(gift_familiarity=0.6), SEED),
    "quantities above the 99 % quantile out": (LabelSettings(quantity_quantile=0.99), SEED),
    "outcomes within 24 hours": (LabelSettings(outcome_hours=24.0), SEED),
    "outcomes within 24 hours, another seed": (LabelSettings(outcome_hours=24.0), SEED + 1),
    "gift baskets out (familiarity under 0.8)": (LabelSettings(gift_familiarity=0.8), SEED),
    "outcomes within 72 hours": (LabelSettings(outcome_hours=72.0), SEED),
}
"""{name: (policy, training seed)}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="what ingest wrote; default: made anew")
    parser.add_argument("--examples", type=Path, help="what the examples stage made of them, with the default policy")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisle-labels-") as scratch:
        tables, examples = arguments.tables, arguments.examples
        if not tables or not examples:
            tables, examples = _make(Path(scratch))
        path = measure(tables, examples, Path(scratch))
    print(path)


def measure(tables: Path, examples: Path, scratch: Path) -> Path:
    """Trains under every policy; returns the path of the result."""
    columns = [c.USER, c.ITEM, c.TIME, c.BASKET, c.EVENT_TYPE, c.QUANTITY]
    events = pq.read_table(tables / "events", columns=columns).to_pandas()
    catalog, task = Examples(examples).catalog(), load_task(examples)
    values: dict[str, dict[str, np.ndarray]] = {}
    policies: dict[str, Any] = {}
    path = Path()
    for name, (policy, seed) in POLICIES.items():
        trips, report = label(task.trips, events, catalog, policy)
        folder = scratch / f"policy-{len(values)}"
        trips.save(folder / trips.DIRECTORY)
        for part in (examples / catalog.DIRECTORY, Examples(examples).items):
            (folder / part.name).symlink_to(part.resolve())
        began = time.perf_counter()
        _, record = train(run=_run(policy, seed), examples_dir=folder, model_dir=folder / "model")
        seconds = time.perf_counter() - began
        values[name] = _judge(task, folder / "model")
        policies[name] = {
            "policy": policy.model_dump(),
            "training_seed": seed,
            "changed": report,
            "train_trips": record.train_trips,
            "seconds": round(seconds, 1),
            "metrics": {metric: metrics.mean_defined(values[name][metric]) for metric in REPORTED},
            "against_none": {metric: _against(values, name, metric) for metric in REPORTED},
        }
        path = write_result("labels", {"trips": len(task.trip_N), "span": task.span, "policies": policies}, SEED)
    return path


def _make(scratch: Path) -> tuple[Path, Path]:
    tables, examples, settings = scratch / "tables", scratch / "examples", full()
    ingest(data=settings.data, tables_dir=tables)
    build_examples(run=settings, tables_dir=tables, examples_dir=examples)
    return tables, examples


def _run(policy: LabelSettings, seed: int) -> RunSettings:
    return full().training(seed=seed).replace(labels=policy)


def _judge(task: Task, model_dir: Path) -> dict[str, np.ndarray]:
    """{metric: [N]} on the judged trips, whose labels no policy changes."""
    items = recommend_all(package.load(model_dir), task.trips, task.trip_N, K)
    baskets = [task.trips.basket(int(trip)) for trip in task.trip_N]
    histories = [task.trips.event_item_E[task.trips.history(int(trip))] for trip in task.trip_N]
    return metrics.by_trip(metrics.find_hits(items, baskets, histories))


def _against(values: dict[str, dict[str, np.ndarray]], name: str, metric: str) -> dict[str, float]:
    interval = metrics.paired_delta(values[name][metric], values[NONE][metric], seed=SEED, rounds=ROUNDS)
    return dataclasses.asdict(interval)


if __name__ == "__main__":
    main()
