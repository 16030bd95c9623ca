"""How long and in which steps a network learns: from the number of its trips, where the settings leave it to them."""

from typing import NamedTuple

STEPS_AN_EPOCH = 64
"""The batch shrinks, within its bounds, until an epoch has as many steps as this."""
FEW_STEPS = 100
"""A network that learned in fewer steps than these is undertrained."""


class Pace(NamedTuple):
    """The bounds of one network."""

    epochs: tuple[int, int]
    """At least and at most."""
    batch: tuple[int, int]
    """Trips a step, at least and at most; powers of two."""
    steps: int
    """Epochs are added, within their bounds, until there are as many steps in all as this."""


class Schedule(NamedTuple):
    """Of one training."""

    epochs: int
    batch: int
    """Trips a step."""
    watched: bool
    """More epochs than the least: training ends when the held-out loss no longer falls."""

    def steps(self, trips: int) -> int:
        """Of all epochs."""
        return self.epochs * -(-trips // self.batch)


TOWERS = Pace(epochs=(3, 30), batch=(16, 256), steps=400)
SEQUENCE = Pace(epochs=(3, 40), batch=(16, 64), steps=2000)
"""A step is of windows (components/train/sequences.py), of which one holds as much as many trips."""
PRE_RANKER = Pace(epochs=(3, 30), batch=(256, 2048), steps=300)
"""A step is of entries of pools, of which a trip has more than a hundred."""
RANKER = Pace(epochs=(1, 10), batch=(16, 64), steps=400)


def schedule(trips: int, pace: Pace, epochs: int | None, batch: int | None) -> Schedule:
    """The schedule for so many trips.

    Args:
        epochs, batch: those of the settings; None: from the data.

    Example:
        >>> schedule(100_000, TOWERS, None, None)
        Schedule(epochs=3, batch=256, watched=False)
        >>> schedule(839, TOWERS, None, None)
        Schedule(epochs=8, batch=16, watched=True)
    """
    least, most = pace.batch
    batch = batch or min(max(1 << max(trips // STEPS_AN_EPOCH, 1).bit_length() - 1, least), most)
    steps = max(-(-trips // batch), 1)
    epochs = epochs or min(max(-(-pace.steps // steps), pace.epochs[0]), pace.epochs[1])
    return Schedule(epochs=epochs, batch=batch, watched=epochs > pace.epochs[0])
