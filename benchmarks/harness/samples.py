"""What rankers learn from and are judged on, made once and kept: candidates with their features, and recent purchases.

Shape legend: n trips, C candidates of all of them together, F features, L recent purchases.
"""

import dataclasses
from pathlib import Path

import numpy as np

from model.candidates.barred import Barred
from model.data.batch import TripReader
from model.data.membership import contains
from model.data.trips import Trips, slice_positions
from model.evaluation.ranking_metrics import NO_ITEM
from model.files import atomic_directory
from model.ranking.recommender import Recommender
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
    """[C, F] float32 as the ranker reads them, logs taken; read from disk where they are needed."""
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
        at, row = slice_positions(trips.basket_begin_T[self.which_n], trips.basket_end_T[self.which_n])
        return contains(self.row_C(), self.item_C, row, trips.basket_item_B[at])

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
    features, limit = recommender.features, recommender.limit
    most = len(which) * limit
    items, begins, end = np.empty(most, np.int32), [np.zeros(1, np.int64)], 0
    with atomic_directory(path) as out:
        dense_CF = np.lib.format.open_memmap(out / "all.npy", "w+", np.float32, (most, len(features.names)))
        for start in range(0, len(which), STEP):
            batch = reader.batch(which[start : start + STEP])
            nothing = Barred.none(len(batch.time_B))
            item_C, _, end_B = recommender.candidates(batch, retrieved[start : start + STEP], nothing, limit)
            part = slice(end, end + len(item_C))
            items[part], dense_CF[part] = item_C, features(batch, item_C, end_B, logs=True)
            begins.append(end + end_B)
            end = part.stop
        np.save(out / "dense_CF.npy", dense_CF[:end])
        del dense_CF
        (out / "all.npy").unlink()
        recent_nL, age_nL = recent(reader, which)
        arrays = {
            "which_n": which,
            "begin_n": np.concatenate(begins),
            "item_C": items[:end],
            "user_n": reader.user_row_U[reader.trips.user_T[which]],
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
