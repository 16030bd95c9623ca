"""Batches of trips for Keras, and the callback that reports its progress."""

import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from components.artifacts.training import Epoch
from components.kfp_support.progress import progress
from model.data.batch import TripReader
from model.system.legacy_keras import tf


def batches(
    reader: TripReader,
    which: np.ndarray,
    size: int,
    seed: int | None,
    retrieved: np.ndarray | None = None,
    share: tuple[int, int] = (0, 1),
) -> Any:
    """tf.data of dicts: the fields of Batch, basket_item and basket_row, and with `retrieved` also retrieved_BR.

    Args:
        which: [n] trip indices. seed: reshuffles them each epoch; None keeps their order.
        retrieved: [n, R] int32, aligned with `which`.
        share: (worker, of how many): every so manieth trip of each batch. A batch with fewer trips than workers is left
            out.
    """
    epoch, (worker, workers) = np.random.default_rng(seed), share
    steps = len(which) // size + (len(which) % size >= workers)

    def read(rows: np.ndarray) -> dict[str, np.ndarray]:
        item, row = reader.baskets(which[rows])
        more = {} if retrieved is None else {"retrieved_BR": retrieved[rows]}
        return reader.batch(which[rows])._asdict() | {"basket_item": item, "basket_row": row} | more

    def generate() -> Iterator[dict[str, np.ndarray]]:
        order = np.arange(len(which)) if seed is None else epoch.permutation(len(which))
        for start in range(0, steps * size, size):
            yield read(order[start : start + size][worker::workers])

    nothing = read(np.zeros(0, int))
    signature = {name: tf.TensorSpec([None, *array.shape[1:]], array.dtype) for name, array in nothing.items()}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


class LossCurve(tf.keras.callbacks.Callback):
    """Reports losses: every few seconds as progress, those of every epoch in `curve`.

    TFRS itself reports the loss of an epoch's last batch only. Where there is a validation loss, the weights of the
    epoch with the lowest one are what training ends with.
    """

    EVERY_S = 5.0
    PARTS = 10
    """Of an epoch, a mean loss each: a model that learns in one epoch has a curve, too."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.curve: list[Epoch] = []
        self._reported_s = 0.0
        self._epoch = 0
        self._losses: dict[str, list[float]] = {}
        self._best: list[np.ndarray] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        self._losses = {"loss": [], "val_loss": []}

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._losses["val_loss"].append(logs["loss"])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._losses["loss"].append(logs["loss"])
        if time.monotonic() - self._reported_s > self.EVERY_S:
            self._reported_s = time.monotonic()
            share = (self._epoch + (batch + 1) / self.params["steps"]) / self.params["epochs"]
            progress(f"{self.name}: {100 * share:.0f} %, loss {logs['loss']:.4f}", share=round(share, 3))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        means = {name: float(np.mean(values)) for name, values in self._losses.items() if values}
        parts = np.array_split(self._losses["loss"], self.PARTS)
        self.curve.append(Epoch(**means, parts=tuple(float(part.mean()) for part in parts if len(part))))
        if "val_loss" in means and self.best_epoch == epoch:
            self._best = self.model.get_weights()
        progress(f"{self.name}: epoch {epoch + 1}, {', '.join(f'{k} {v:.4f}' for k, v in means.items())}")

    def on_train_end(self, logs: Any = None) -> None:
        if self._best:
            self.model.set_weights(self._best)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, counted from 0."""
        return int(np.argmin([cast(float, epoch.val_loss) for epoch in self.curve]))
