"""`python -m tests.components.train.worker SETTINGS EXAMPLES MODEL WEIGHTS`: trains, and keeps the weights as well."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from components.train import run as train_run


def main(settings: str, examples: str, model: str, weights: str) -> None:
    learn = train_run.learn

    def kept(*args: Any) -> train_run.Learned:
        learned = learn(*args)
        values = {str(n): weight.numpy() for n, weight in enumerate(learned.recommender.trainable_variables)}
        np.savez(weights, **values)
        return learned

    train_run.learn = kept
    train_run.train(Path(settings).read_text(encoding="utf-8"), examples, model)


if __name__ == "__main__":
    main(*sys.argv[1:])
