"""Early stopping, and the warnings of a training that learned little."""

from collections.abc import Sequence

import numpy as np
import pytest

from components.train.input_pipeline import LossCurve
from model.system.legacy_keras import tf


class Scripted(tf.keras.Model):
    """Its only weight counts the epochs; the held-out loss of each epoch is given."""

    def __init__(self, held_out: Sequence[float]) -> None:
        super().__init__()
        self.epochs = self.add_weight(name="epochs", shape=(), initializer="zeros", trainable=False)
        self._held_out = tf.constant(held_out, tf.float32)

    def train_step(self, data: object) -> dict[str, object]:
        self.epochs.assign_add(1.0)
        return {"loss": 1.0 / self.epochs}

    def test_step(self, data: object) -> dict[str, object]:
        return {"loss": tf.gather(self._held_out, tf.cast(self.epochs, tf.int32) - 1)}


def trained(*held_out: float, watch: LossCurve | None = None) -> tuple[Scripted, LossCurve]:
    """One step an epoch, as many epochs as losses at most."""
    model, watch = Scripted(held_out), watch or LossCurve("towers")
    model.compile()
    data = tf.data.Dataset.from_tensors(np.zeros(1))
    model.fit(data, validation_data=data, epochs=len(held_out), callbacks=[watch], verbose=0)
    return model, watch


def test_training_ends_half_of_its_epochs_after_the_best_and_with_its_weights() -> None:
    model, watch = trained(5.0, 4.0, 4.5, 4.1, 4.2, 1.0)
    assert [epoch.val_loss for epoch in watch.curve] == pytest.approx([5.0, 4.0, 4.5, 4.1, 4.2])
    assert watch.best_epoch == 2 and float(model.epochs) == 2 and watch.steps == 5


def test_a_second_training_is_watched_on_its_own() -> None:
    _, watch = trained(1.0, 2.0, 3.0)
    model, watch = trained(5.0, 4.0, watch=watch)
    assert watch.best_epoch == 2 and float(model.epochs) == 2 and watch.steps == 2
    assert len(watch.curve) == 5


def test_a_loss_that_still_falls_at_the_end_is_a_warning_and_so_are_few_steps() -> None:
    _, watch = trained(5.0, 4.0, 3.0)
    few, falling = watch.warnings
    assert few == "towers: learned in 3 steps, fewer than 100: there are few trips"
    assert falling == "towers: the held-out loss was still falling in the last epoch, 4.0000 to 3.0000; set more epochs"


def test_a_loss_that_has_settled_is_none() -> None:
    for losses in ((5.0, 4.0, 3.99), (5.0, 4.0, 4.5)):
        assert not any("falling" in warning for warning in trained(*losses)[1].warnings)


def test_without_a_held_out_loss_no_epoch_is_the_best() -> None:
    model, watch = Scripted((1.0,)), LossCurve("towers")
    model.compile()
    model.fit(tf.data.Dataset.from_tensors(np.zeros(1)), epochs=3, callbacks=[watch], verbose=0)
    assert watch.best_epoch is None and float(model.epochs) == 3
