"""Which trips teach what: early ones the towers, later ones the ranker, the last ones are held out to watch it."""

from typing import NamedTuple

import numpy as np

from model.data.time_split import day, ranking_start
from model.data.trips import Trips
from model.errors import CheckFailed
from tfx_configs.settings import TrainSettings
from tfx_configs.units import DAY_S


class TrainingTrips(NamedTuple):
    """Trip indices, all before the cut and with a basket."""

    early: np.ndarray
    ranking: np.ndarray
    valid: np.ndarray


def training_trips(trips: Trips, settings: TrainSettings) -> TrainingTrips:
    """The training trips by time. Raises CheckFailed when there are none to learn from."""
    start_s = ranking_start(trips, settings.ranking_days)
    valid_s = trips.cut_s - settings.valid_days * DAY_S
    labelled = trips.basket_end_T > trips.basket_begin_T
    early = np.flatnonzero(labelled & (trips.time_T < start_s))
    ranking = np.flatnonzero(labelled & (trips.time_T >= start_s) & (trips.time_T < valid_s))
    valid = np.flatnonzero(labelled & (trips.time_T >= valid_s) & (trips.time_T < trips.cut_s))
    if not len(early) or not len(ranking):
        raise CheckFailed(
            f"expected trips from {day(start_s)} to {day(valid_s)} and before those, got {len(ranking)} and "
            f"{len(early)}; move the cut or set ranking_days"
        )
    return TrainingTrips(early, ranking, valid)


def trips_since(trips: Trips, since_s: int, settings: TrainSettings) -> TrainingTrips:
    """Trips between a model's last training and the cut, none of them early; the last `valid_days`, but at most a
    quarter of the span, are held out. Raises CheckFailed when there are none to learn from."""
    valid_s = trips.cut_s - min(settings.valid_days * DAY_S, (trips.cut_s - since_s) // 4)
    labelled = trips.basket_end_T > trips.basket_begin_T
    ranking = np.flatnonzero(labelled & (trips.time_T >= since_s) & (trips.time_T < valid_s))
    valid = np.flatnonzero(labelled & (trips.time_T >= valid_s) & (trips.time_T < trips.cut_s))
    if not len(ranking):
        raise CheckFailed(f"expected trips from {day(since_s)} to {day(valid_s)}, got none; refresh instead of warm")
    return TrainingTrips(ranking[:0], ranking, valid)
