"""One trial, in a process of its own: `python -m pipelines.tuning.trial SETTINGS.json EXAMPLES OUT`.

Trains on the trips before the cut, asks for a list on every judged trip, and leaves OUT/values.npz and OUT/trial.json.
"""

import shutil
import sys
import time
from pathlib import Path

import numpy as np

from components.artifacts.artifact import Artifact
from components.evaluate.predictions import lists
from components.train.run import train
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import load_task
from model.package.loaded_model import load
from tfx_configs.evaluation import GATE_METRICS, LIST_LENGTH
from tfx_configs.settings import RunSettings
from tfx_configs.stages import TrainStage

VALUES = "values.npz"
SETTINGS = "settings.json"


class TrialResult(Artifact, file="trial.json", stage="aisle tune"):
    """What a trial came to."""

    figures: dict[str, float]
    """{metric: mean over the judged trips}"""
    trips: int
    seconds: float


def run_trial(run: RunSettings, examples: Path, out: Path) -> TrialResult:
    """Trains with the settings and judges on the examples' test trips; the model is removed."""
    began, model_dir = time.monotonic(), out / "model"
    train(run=TrainStage.of(run), examples_dir=examples, model_dir=model_dir)
    task = load_task(examples)
    items_Nk = lists(load(model_dir), task.trips, task.trip_N, LIST_LENGTH).items_Nk
    shutil.rmtree(model_dir)
    every = metrics.by_trip(metrics.find_hits(items_Nk, task.baskets, task.histories))
    values = {name: every[name] for name in GATE_METRICS}
    np.savez_compressed(out / VALUES, **values)  # type: ignore[arg-type]
    return TrialResult(
        figures={name: metrics.mean_defined(value_N) for name, value_N in values.items()},
        trips=len(task.trip_N),
        seconds=round(time.monotonic() - began, 1),
    )


def main(settings: Path, examples: Path, out: Path) -> None:
    run_trial(RunSettings.from_json(settings.read_text(encoding="utf-8")), examples, out).save(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
