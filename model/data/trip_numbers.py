"""Which trip each event is of. Shape legend: H events of all requests together, B requests."""

import numpy as np

from tfx_configs.units import HOUR_S


def trip_numbers(
    row_H: np.ndarray, time_H: np.ndarray, requests: int, gap_hours: float
) -> tuple[np.ndarray, np.ndarray]:
    """([H] int64 trip of each event, from 1 within the request, [B] int64 trips of each request).

    Args:
        row_H: which request, ascending. time_H: unix seconds, oldest first within a request.
        gap_hours: events further apart are of different trips. Compared in float32, as in model/features/seen.py.

    Example:
        >>> trip_H, trips_B = trip_numbers(np.array([1, 1, 1]), np.array([0, 60, 7200]), requests=2, gap_hours=1)
        >>> trip_H.tolist(), trips_B.tolist()
        ([1, 1, 2], [0, 2])
    """
    first_H = np.ones(len(row_H), bool)
    apart = np.diff(time_H).astype(np.float32) > np.float32(gap_hours * HOUR_S)
    first_H[1:] = apart | (row_H[1:] != row_H[:-1])
    trips_B = np.bincount(row_H[first_H], minlength=requests)
    before_B = np.cumsum(trips_B) - trips_B
    return np.cumsum(first_H) - before_B[row_H], trips_B
