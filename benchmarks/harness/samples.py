"""What rankers learn from and are judged on, made once and kept: candidates with their features, and recent purchases.

Shape legend: n trips, C candidates of all of them together, F features, L recent purchases.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from model.networks.recommender import Recommender

from components.train.input_pipeline import batches
from model.data.batch import Batch, TripReader
from model.data.trips import Trips, slice_positions
from model.evaluation.ranking_metrics import NO_ITEM
from model.files import atomic_directory
from model.system.legacy_keras import tf
from tfx_configs.units import DAY_S

STEP = 64
RECENT = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Samples:
    """Candidates of trips, one trip after the other."""

    which_n: np.ndarray
    """[n] trip indices."""
    begin_n: np.ndarray
    """[n + 1] where each trip's candidates begin; the last is where all end."""
    item_C: np.ndarray
    """[C] int32."""
    dense_CF: np.ndarray
    """[C, F] float32 as model/features/graph.py gives them; read from disk where they are needed."""
    user_n: np.ndarray
    """[n] int32 rows of Catalog.user_attribute_UD."""
    recent_nL: np.ndarray
    """[n, L] int32 items of the last events, the last one first; -1 where there are fewer."""
    age_nL: np.ndarray
    """[n, L] float32 days before the trip."""

    def __len__(self) -> int:
        return len(self.which_n)

    def row_C(self) -> np.ndarray:
        """[C] int32 which of the n trips."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.begin_n))

    def bought_C(self, trips: Trips) -> np.ndarray:
        """[C] bool: the labels by these trips, which may be other ones than the candidates were made from."""
        items = np.int64(len(trips.item_ids))
        at, row = slice_positions(trips.basket_begin_T[self.which_n], trips.basket_end_T[self.which_n])
        bought = row * items + trips.basket_item_B[at]
        return np.isin(self.row_C() * items + self.item_C, bought)

    @classmethod
    def load(cls, path: Path) -> "Samples":
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(
            **{name: np.load(path / f"{name}.npy", mmap_mode="r" if name == "dense_CF" else None) for name in names}
        )


def as_lists(row_C: np.ndarray, item_C: np.ndarray, rows: int, k: int) -> np.ndarray:
    """[rows, k] the first items of each row, padded with NO_ITEM; rows ascend, the best item of each comes first."""
    items = np.full((rows, k), NO_ITEM, np.int64)
    place_C = np.arange(len(row_C)) - np.searchsorted(row_C, row_C)
    shown_C = place_C < k
    items[row_C[shown_C], place_C[shown_C]] = item_C[shown_C]
    return items


def collect(recommender: Recommender, reader: TripReader, which: np.ndarray, retrieved: np.ndarray, path: Path) -> None:
    """Writes Samples of what `recommender` would rank.

    Args:
        which: [n] trips. retrieved: [n, R] int32 items from the towers for each of them.
    """
    candidates, nothing = recommender.candidates, tf.zeros([0], tf.int32)

    @tf.function(reduce_retracing=True)
    def sample(inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
        batch = Batch(**{name: inputs[name] for name in Batch._fields})
        union = candidates(batch, inputs["retrieved_BR"], nothing, nothing, candidates.limit)
        values = recommender.features(batch, union.item_C, union.row_C)
        return union.item_C, union.row_C, recommender.features.dense(values)

    most, width = len(which) * candidates.limit, len(recommender.features.records)
    items, counts, end = np.empty(most, np.int32), [], 0
    with atomic_directory(path) as out:
        dense_CF = np.lib.format.open_memmap(out / "all.npy", "w+", np.float32, (most, width))
        for inputs in batches(reader, which, STEP, None, retrieved):
            item, row, dense = (part.numpy() for part in sample(inputs))
            items[end : end + len(item)], dense_CF[end : end + len(item)] = item, dense
            counts.append(np.bincount(row, minlength=len(inputs["time_B"])))
            end += len(item)
        np.save(out / "dense_CF.npy", dense_CF[:end])
        del dense_CF
        (out / "all.npy").unlink()
        recent_nL, age_nL = recent(reader, which)
        arrays = {
            "which_n": which,
            "begin_n": np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
            "item_C": items[:end],
            "user_n": reader.batch(which).user_B,
            "recent_nL": recent_nL,
            "age_nL": age_nL,
        }
        for name, array in arrays.items():
            np.save(out / f"{name}.npy", array)


def recent(reader: TripReader, which: np.ndarray, most: int = RECENT) -> tuple[np.ndarray, np.ndarray]:
    """(item, age in days): [n, L] of the last `most` events before each trip, the last one first."""
    trips = reader.trips
    item_nL, age_nL = np.full((len(which), most), -1, np.int32), np.zeros((len(which), most), np.float32)
    for row, trip in enumerate(which.tolist()):
        last = trips.history(trip)[::-1][:most]
        item_nL[row, : len(last)] = trips.event_item_E[last]
        age_nL[row, : len(last)] = (trips.time_T[trip] - trips.event_time_E[last]) / DAY_S
    return item_nL, age_nL
