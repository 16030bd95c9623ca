"""`python -m tests.components.train.worker FOLDER ARGUMENT...`: `python -m components.job ARGUMENT...`, with notes.

In FOLDER: `weights{worker}.npz`, what each worker learned, and `exported{worker}` of one that exported a model.
"""

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np

from components.train import run as train_run
from model.networks.trained import TrainedNetworks


def weights_of(learned: train_run.TrainedModel) -> dict[str, np.ndarray]:
    """{name: value} of everything that was learned."""
    networks = learned.recommender.networks
    assert isinstance(networks, TrainedNetworks)
    return {name: variable.numpy() for name, variable in networks.weights.items()}


def main(notes: Path) -> None:
    worker = os.environ["JOB_COMPLETION_INDEX"]
    train_from_scratch, package = train_run.train_from_scratch, train_run.package

    def with_weights_saved(*args: Any) -> train_run.TrainedModel:
        learned = train_from_scratch(*args)
        np.savez(notes / f"weights{worker}.npz", **weights_of(learned))
        return learned

    def with_a_note(*args: Any) -> str:
        (notes / f"exported{worker}").touch()
        return package(*args)

    train_run.train_from_scratch, train_run.package = with_weights_saved, with_a_note
    runpy.run_module("components.job", run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
