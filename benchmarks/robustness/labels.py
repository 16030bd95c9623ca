"""What does each label policy change on The Complete Journey? One full training a policy, judged on the same trips.

`python -m benchmarks labels` measures the policies that are not in build/bench/labels yet, and writes
build/bench/labels.json. The second training without a policy, with another seed, shows how much is noise.
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import shop, study
from benchmarks.harness.result_file import RESULTS
from benchmarks.harness.study import Judged, Measured, Study
from components.artifacts.tables import Tables
from components.evaluate.predictions import lists
from components.examples.labels import label
from components.examples.parts import Lines
from components.examples.run import read_trips
from components.train.run import train
from model.package import loaded_model as package
from tfx_configs.labels import LabelSettings
from tfx_configs.recipes import full
from tfx_configs.stages import ExamplesStage, TrainStage

SEED, K = 7, 20
NONE = "none"
POLICIES = yaml.safe_load(Path(__file__).with_name("policies.yaml").read_text())


def main(most: study.Most = None) -> dict[str, Any]:
    world = Judged(shop.examples())
    _, lines, _ = read_trips(ExamplesStage.of(full()), Tables(shop.tables()), world.trips.cut_s)
    variants = {name: partial(measure, world, lines, name) for name in POLICIES}
    policies = Study(folder=RESULTS / "labels", variants=variants, reference=NONE, seed=SEED)
    study.measure({"policies": policies}, most)
    by_name = {row.pop("name"): row for row in policies.compared()}
    for row in by_name.values():
        row["metrics"], row["against_none"] = row.pop("means"), row.pop("over")
    return {"trips": len(world.which), "span": world.task.span, "policies": by_name}


def measure(world: Judged, lines: Lines, name: str) -> Measured:
    """Trains under one policy; judged on the same trips, whose labels no policy changes."""
    row = dict(POLICIES[name])
    seed = SEED + row.pop("another_seed", False)
    policy = LabelSettings.from_dict(row)
    trips, report = label(world.trips, lines, world.catalog, policy)
    run = TrainStage.of(full().training(seed=seed))
    with tempfile.TemporaryDirectory(prefix="aisle-labels-") as scratch:
        folder = Path(scratch)
        _, record = train(run=run, examples_dir=shop.with_trips(trips, folder), model_dir=folder / "model")
        items_Nk = lists(package.load(folder / "model"), world.trips, world.which, K).items_Nk
    return world.by_trip(items_Nk), {
        "policy": policy.model_dump(),
        "training_seed": seed,
        "changed": report,
        "train_trips": record.train_trips,
    }
