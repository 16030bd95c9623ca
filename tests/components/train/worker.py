"""`python -m tests.components.train.worker SETTINGS EXAMPLES MODEL WEIGHTS`: trains, and keeps the weights as well."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from components.train import run as train_run
from model.networks.trained import TrainedNetworks
from tfx_configs.settings import RunSettings


def weights_of(learned: train_run.TrainedModel) -> dict[str, np.ndarray]:
    """{name: value} of everything that was learned."""
    networks = learned.recommender.networks
    assert isinstance(networks, TrainedNetworks)
    return {name: variable.numpy() for name, variable in networks.weights.items()}


def main(settings: str, examples: str, model: str, weights: str) -> None:
    train_from_scratch = train_run.train_from_scratch

    def with_weights_saved(*args: Any) -> train_run.TrainedModel:
        learned = train_from_scratch(*args)
        np.savez(weights, **weights_of(learned))
        return learned

    train_run.train_from_scratch = with_weights_saved
    run = RunSettings.from_json(Path(settings).read_text(encoding="utf-8"))
    train_run.train(run=run, examples_dir=Path(examples), model_dir=Path(model))


if __name__ == "__main__":
    main(*sys.argv[1:])
