"""Batches of trips for Keras, and the callback that reports its progress."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import numpy as np

from components.artifacts.training import Epoch
from components.kfp_support.progress import progress
from components.train.schedule import FEW_STEPS
from model.system.cores import usable_cores
from model.system.legacy_keras import tf

Prepare = Callable[[np.ndarray, int], dict[str, np.ndarray]]
"""(positions in the list of trips, epoch) -> the arrays of one batch, by name; the same ones for no trips. Called by
several threads."""
THREADS = usable_cores()
AHEAD = 2 * THREADS
"""Batches that are ready or in the making, at most."""


def batches(prepare: Prepare, trips: int, size: int, seed: int | None, share: tuple[int, int] = (0, 1)) -> Any:
    """tf.data of what `prepare` makes of batches of trips, made ahead on threads: kernels release the lock.

    Args:
        trips: how many there are.
        seed: reshuffles them each epoch; None keeps their order, and every epoch is the first.
        share: (worker, of how many): every so manieth trip of each batch. A batch with fewer trips than workers is left
            out.
    """
    order, (worker, workers) = np.random.default_rng(seed), share
    steps = trips // size + (trips % size >= workers)
    epochs = itertools.count()

    def generate() -> Iterator[dict[str, np.ndarray]]:
        epoch = 0 if seed is None else next(epochs)
        chosen = np.arange(trips) if seed is None else order.permutation(trips)
        parts = (chosen[start : start + size][worker::workers] for start in range(0, steps * size, size))
        with ThreadPoolExecutor(THREADS) as threads:
            ahead: deque[Future[dict[str, np.ndarray]]] = deque()
            for rows in parts:
                ahead.append(threads.submit(prepare, rows, epoch))
                if len(ahead) > AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    nothing = prepare(np.zeros(0, int), 0)
    signature = {name: tf.TensorSpec([None, *array.shape[1:]], array.dtype) for name, array in nothing.items()}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


class LossCurve(tf.keras.callbacks.Callback):
    """Reports losses: every few seconds as progress, those of every epoch in `curve`.

    TFRS itself reports the loss of an epoch's last batch only. Where there is a validation loss, the weights of the
    epoch with the lowest one are what training ends with, and it ends PATIENCE of its epochs after that one.
    """

    PATIENCE = 0.5
    """Of the planned epochs: attention stays on a plateau for many of them before it learns."""
    FALLING = 0.01
    """A held-out loss whose last epoch lowered it by more than this share was still falling."""

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
        self._begin = self._steps = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._begin, self._best, self._steps = len(self.curve), [], 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        self._losses = {"loss": [], "val_loss": []}

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._losses["val_loss"].append(logs["loss"])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._losses["loss"].append(logs["loss"])
        self._steps += 1
        if time.monotonic() - self._reported_s > self.EVERY_S:
            self._reported_s = time.monotonic()
            share = (self._epoch + (batch + 1) / self.params["steps"]) / self.params["epochs"]
            progress(f"{self.name}: {100 * share:.0f} %, loss {logs['loss']:.4f}", share=round(share, 3))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        means = {name: float(np.mean(values)) for name, values in self._losses.items() if values}
        parts = np.array_split(self._losses["loss"], self.PARTS)
        self.curve.append(Epoch(**means, parts=tuple(float(part.mean()) for part in parts if len(part))))
        if (best := self.best_epoch) is not None:
            if best == epoch + 1:
                self._best = self.model.get_weights()
            self.model.stop_training = epoch + 1 - best >= max(self.PATIENCE * self.params["epochs"], 2)
        progress(f"{self.name}: epoch {epoch + 1}, {', '.join(f'{k} {v:.4f}' for k, v in means.items())}")

    def on_train_end(self, logs: Any = None) -> None:
        if self._best:
            self.model.set_weights(self._best)

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the last training with the lowest validation loss, counted from 1; None without such a loss."""
        return int(np.argmin(self._held_out)) + 1 if self._held_out else None

    @property
    def steps(self) -> int:
        """Of the last training."""
        return self._steps

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the last training may have ended too early."""
        held_out, reasons = self._held_out, []
        if self._steps < FEW_STEPS:
            reasons.append(f"{self.name}: learned in {self._steps} steps, fewer than {FEW_STEPS}: there are few trips")
        if len(held_out) > 1 and held_out[-1] < (1 - self.FALLING) * min(held_out[:-1]):
            reasons.append(
                f"{self.name}: the held-out loss was still falling in the last epoch, {held_out[-2]:.4f} to "
                f"{held_out[-1]:.4f}; set more epochs"
            )
        return tuple(reasons)

    @property
    def _held_out(self) -> list[float]:
        return [cast(float, epoch.val_loss) for epoch in self.curve[self._begin :] if epoch.val_loss is not None]
