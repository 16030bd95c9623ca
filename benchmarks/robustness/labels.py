"""What does each label policy change on The Complete Journey? One full training a policy, judged on the same trips.

`python -m benchmarks labels` measures the policies that are not in build/bench/labels yet, and writes
build/bench/labels.json. The second training without a policy, with another seed, shows how much is noise.
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyarrow.parquet as pq
import typer
import yaml

from benchmarks.harness import study
from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.harness.study import Judged, Measured, Study
from components.artifacts.examples import Examples
from components.evaluate.predictions import lists
from components.examples.labels import label
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train.run import train
from model.data import columns as c
from model.package import loaded_model as package
from tfx_configs.labels import LabelSettings
from tfx_configs.recipes import full

SEED, K = 7, 20
NONE = "none"
POLICIES = yaml.safe_load(Path(__file__).with_name("policies.yaml").read_text())


def main(
    most: study.Most = None,
    tables: Annotated[Path | None, typer.Option(help="what ingest wrote; default: made again")] = None,
    examples: Annotated[Path | None, typer.Option(help="what the examples stage made of them by default")] = None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="aisle-labels-") as scratch:
        if not tables or not examples:
            tables, examples, run = Path(scratch) / "tables", Path(scratch) / "examples", full()
            ingest(data=run.data, tables_dir=tables)
            build_examples(run=run, tables_dir=tables, examples_dir=examples)
        world = Judged(examples)
        columns = [c.USER, c.ITEM, c.TIME, c.BASKET, c.EVENT_TYPE, c.QUANTITY]
        events = pq.read_table(tables / "events", columns=columns).to_pandas()
        folder = RESULTS / "labels"
        variants = {name: partial(measure, world, events, examples, Path(scratch), name) for name in POLICIES}
        policies = Study(folder=folder, variants=variants, reference=NONE, seed=SEED)
        study.measure({"policies": policies}, most)
    by_name = {row.pop("name"): row for row in policies.compared()}
    for row in by_name.values():
        row["metrics"], row["against_none"] = row.pop("means"), row.pop("over")
    result = {"trips": len(world.which), "span": world.task.span, "policies": by_name}
    print(write_result("labels", result, SEED))


def measure(world: Judged, events: pd.DataFrame, examples: Path, scratch: Path, name: str) -> Measured:
    """Trains under one policy; judged on the same trips, whose labels no policy changes."""
    row = dict(POLICIES[name])
    seed = SEED + row.pop("another_seed", False)
    policy = LabelSettings.from_dict(row)
    trips, report = label(world.trips, events, world.catalog, policy)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    trips.save(folder / trips.DIRECTORY)
    for part in (examples / world.catalog.DIRECTORY, Examples(examples).items):
        (folder / part.name).symlink_to(part.resolve())
    run = full().training(seed=seed).replace(labels=policy)
    _, record = train(run=run, examples_dir=folder, model_dir=folder / "model")
    items_Nk = lists(package.load(folder / "model"), world.trips, world.which, K).items_Nk
    return world.by_trip(items_Nk), {
        "policy": policy.model_dump(),
        "training_seed": seed,
        "changed": report,
        "train_trips": record.train_trips,
    }
