"""The purchases before a moment, as what learns from whole histories reads them.

Shape legend: H events of all shoppers before the moment, I items, A of them bought before it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from model.data.batch import Batch
from model.data.trips import Trips
from model.errors import CheckFailed
from tfx_configs.stages import BaselinesStage, TrainStage


@dataclass(frozen=True, kw_only=True)
class Past:
    """What there is to learn from."""

    batch: Batch
    """The histories of all shoppers as of the moment; a shopper's row is that of Trips.user_ids."""
    items: int
    popular_A: np.ndarray
    """[A] the items bought, most often bought first."""
    column_H: np.ndarray
    """[H] int32 place of each event's item in `popular_A`."""
    trip_gap_hours: float
    seed: int

    @classmethod
    def of(cls, trips: Trips, run: TrainStage | BaselinesStage, before_s: int | None = None) -> Self:
        """Everything bought, and not returned, strictly before the moment, unix seconds; None: before the cut.

        Raises CheckFailed when that is nothing.
        """
        before_s = trips.cut_s if before_s is None else before_s
        own_E, users, items = trips.kept_events(before_s), len(trips.user_ids), len(trips.item_ids)
        if not own_E.any():
            raise CheckFailed("expected purchases before the cut to learn baselines from, got none; move the cut")
        batch = Batch(
            history_item_H=trips.event_item_E[own_E],
            history_time_H=trips.event_time_E[own_E],
            history_row_H=trips.event_user_E[own_E],
            time_B=np.full(users, before_s),
            store_B=np.zeros(users, np.int32),
            user_BD=np.zeros((users, 0), np.int32),
        )
        count_I = np.bincount(batch.history_item_H, minlength=items)
        order_I = np.argsort(-count_I, kind="stable")
        return cls(
            batch=batch,
            items=items,
            popular_A=order_I[: int((count_I > 0).sum())],
            column_H=np.argsort(order_I).astype(np.int32)[batch.history_item_H],
            trip_gap_hours=run.features.trip_gap_hours,
            seed=run.train.seed,
        )

    @property
    def shoppers(self) -> int:
        return len(self.batch.time_B)
