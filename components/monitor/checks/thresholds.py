"""Limits of a figure, from how much it moved in good windows."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tfx_configs.monitoring import MonitorSettings

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""
MIN_WINDOWS = 4
"""With fewer windows no natural movement is estimated."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """The allowed range, both ends included."""

    low: float = -math.inf
    high: float = math.inf
    history: tuple[float, ...] = ()
    """The values it comes from, newest first; empty for a fixed limit."""


def natural(
    history: Sequence[float],
    settings: MonitorSettings,
    least: float = 0.0,
    least_percent: float = 0.0,
    least_factor: float = 1.0,
) -> Limits | None:
    """Return the limits of a figure that is never below 0; None for a history of fewer than MIN_WINDOWS windows.

    The median +- the largest of `spreads` robust standard deviations, `least`, and `least_percent` of the median; never
    inside what the history itself reached, nor inside `least_factor` times the median and the median over it.
    """
    values = np.array([value for value in history if not math.isnan(value)])
    if len(values) < MIN_WINDOWS:
        return None
    centre = float(np.median(values))
    spread = settings.spreads * MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
    room = max(spread, least, abs(centre) * least_percent / 100)
    low = max(0.0, min(centre - room, centre / least_factor, float(values.min())))
    high = max(centre + room, centre * least_factor, float(values.max()))
    return Limits(low=low, high=high, history=tuple(values.tolist()))


def scaled(limits: Limits, factor: float) -> Limits:
    """Return the limits of a figure whose level is `factor` times that of the history."""
    return dataclasses.replace(limits, low=limits.low * factor, high=limits.high * factor)
