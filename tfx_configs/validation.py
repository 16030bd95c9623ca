"""Limits of data validation: when a table stops the pipeline, and when it only earns a warning."""

import dataclasses

from tfx_configs.frozen import Settings, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValidationSettings(Settings):
    """Limits of the plain checks and of drift. A `stop` ends the run, a `warn` is shown in the report."""

    max_rows: int = 2_000_000
    """Rows of a table that statistics are computed on; of a larger table every k-th row is taken, at least 1000."""
    max_duplicate_percent: float = 1.0
    """Rows that repeat an earlier row's key: fewer warn, more stop, percent of rows, [0, 100]."""
    max_unknown_percent: float = 20.0
    """Events whose item is not in the items table: from 1 % warn, more than this stop, percent, [0, 100]."""
    max_renamed_percent: float = 50.0
    """Events with ids that the blessed span never had: beyond `max_unknown_percent` warn, more than this stop, percent,
    [0, 100]."""
    max_scale_ratio: float = 10.0
    """A day's or week's median price or quantity over the median of the seven before: beyond this ratio, up or down,
    stop. Over The Complete Journey's 366 days the price ratio stays within 0.8 and 1.3. Above 1."""
    max_null_jump_percent: float = 20.0
    """A week's missing share of a column, above the median week's: more stops, percentage points, (0, 100]."""
    max_missing_days: int = 2
    """Days in a row without events, in otherwise daily data: up to this many warn (holidays), more stop, at least 0."""
    min_volume_percent: float = 50.0
    """Events of the last full week over the median week: less warns, a fifth of this stops, percent, (0, 100]."""
    max_volume_ratio: float = 1.5
    """Events a day over those of the blessed span, or the other way round: beyond warns, beyond `stop_drift_factor`
    times this stops. Between quarters of The Complete Journey at most 1.02. Above 1."""
    max_mixed_basket_percent: float = 5.0
    """Baskets with more than one shopper: fewer warn, more stop, percent, [0, 100]."""
    drift_days: int = 28
    """The last days before the cut, compared with all days before them, days, at least 7."""
    max_drift_numeric: float = 0.03
    """Jensen-Shannon divergence of log price, log quantity and hour, [0, 1]: beyond warns. 20 pairs of 28 days against
    all days before, in The Complete Journey: at most 0.001, 0.001, 0.015; week to next week: 0.008, 0.001, 0.010."""
    max_drift_category: float = 0.10
    """L-infinity distance of store, event type and weekday shares, [0, 1]: beyond warns. The same 20 pairs: at most
    0.018, 0, 0.072; week to next week 0.020, 0, 0.142 (weekday, around Christmas)."""
    stop_drift_factor: float = 6.0
    """A distance beyond its limit by this factor stops, at least 1."""
    closed_days: tuple[str, ...] = ()
    """Days (YYYY-MM-DD) known to have no events."""

    def __post_init__(self) -> None:
        check(self.max_rows >= 1000, "max_rows", "at least 1000", self.max_rows)
        for name in ("max_duplicate_percent", "max_unknown_percent", "max_renamed_percent", "max_mixed_basket_percent"):
            check(0 <= getattr(self, name) <= 100, name, "0 to 100", getattr(self, name))
        for name in ("max_null_jump_percent", "min_volume_percent"):
            check(0 < getattr(self, name) <= 100, name, "above 0, at most 100", getattr(self, name))
        check(self.max_scale_ratio > 1, "max_scale_ratio", "above 1", self.max_scale_ratio)
        check(self.max_volume_ratio > 1, "max_volume_ratio", "above 1", self.max_volume_ratio)
        check(self.max_missing_days >= 0, "max_missing_days", "at least 0", self.max_missing_days)
        check(self.drift_days >= 7, "drift_days", "at least 7", self.drift_days)
        for name in ("max_drift_numeric", "max_drift_category"):
            check(0 <= getattr(self, name) <= 1, name, "0 to 1", getattr(self, name))
        check(self.stop_drift_factor >= 1, "stop_drift_factor", "at least 1", self.stop_drift_factor)
