"""Which trips teach what: early ones the towers, later ones the ranker, the last ones are held out to watch it."""

from typing import NamedTuple

import numpy as np

from model.data.time_split import day, ranking_start
from model.data.trips import Trips
from model.errors import CheckFailed
from tfx_configs.settings import TrainSettings
from tfx_configs.stages import TripSplit
from tfx_configs.units import DAY_S

HELD_OUT = 200
"""Trips to hold out, at least, of those in the ranker's span."""
HELD_OUT_OF = 5
"""Never more than one in so many of these: in a shop of few days, one day may be most of what there is."""


class TrainingTrips(NamedTuple):
    """Trip indices, all before the cut and with a basket."""

    early: np.ndarray
    ranking: np.ndarray
    valid: np.ndarray


def training_trips(trips: Trips, settings: TrainSettings | TripSplit) -> TrainingTrips:
    """The training trips by time. Raises CheckFailed when there are none to learn from."""
    start_s = ranking_start(trips, settings.ranking_days)
    valid_s = _held_out_from(trips, start_s, _valid_start(trips, start_s, settings))
    split = _split(trips, 0, start_s, valid_s)
    if not len(split.early) or not len(split.ranking):
        raise CheckFailed(
            f"expected trips from {day(start_s)} to {day(valid_s)} and before those, got {len(split.ranking)} and "
            f"{len(split.early)}; move the cut or set ranking_days"
        )
    return split


def trips_since(trips: Trips, since_s: int, settings: TrainSettings | TripSplit) -> TrainingTrips:
    """Trips between a model's last training and the cut, none of them early. Raises CheckFailed when there are none to
    learn from."""
    valid_s = _valid_start(trips, since_s, settings)
    split = _split(trips, since_s, since_s, valid_s)
    if not len(split.ranking):
        raise CheckFailed(f"expected trips from {day(since_s)} to {day(valid_s)}, got none; refresh instead of warm")
    return split


def _valid_start(trips: Trips, since_s: int, settings: TrainSettings | TripSplit) -> int:
    """Unix seconds from which on trips are held out: the last `valid_days`, but at most a quarter of the span."""
    return trips.cut_s - min(settings.valid_days * DAY_S, (trips.cut_s - since_s) // 4)


def _held_out_from(trips: Trips, start_s: int, valid_s: int) -> int:
    """`valid_s`, moved so that neither too few nor too many trips of the ranker's span are held out."""
    time_n = np.sort(trips.time_T[_split(trips, start_s, start_s, trips.cut_s).ranking])
    most = len(time_n) // HELD_OUT_OF
    held_out = min(max(int((time_n >= valid_s).sum()), HELD_OUT), most)
    return int(time_n[-held_out]) if held_out else trips.cut_s


def _split(trips: Trips, early_s: int, ranking_s: int, valid_s: int) -> TrainingTrips:
    """Trips with a basket in the three spans that begin at these moments; the last one ends at the cut."""
    labelled = trips.basket_end_T > trips.basket_begin_T
    spans = ((early_s, ranking_s), (ranking_s, valid_s), (valid_s, trips.cut_s))
    return TrainingTrips(
        *(np.flatnonzero(labelled & (trips.time_T >= begin_s) & (trips.time_T < end_s)) for begin_s, end_s in spans)
    )
