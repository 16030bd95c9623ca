"""Limits of data validation: when a table stops the pipeline, and when it only earns a warning."""

from pydantic import Field

from tfx_configs.frozen import Factor, Percent, Settings, Share


class ValidationSettings(Settings):
    """Limits of the plain checks and of drift. A `stop` ends the run, a `warn` is shown in the report."""

    max_rows: int = Field(2_000_000, ge=1000)
    """Rows of a table that statistics are computed on; of a larger table every k-th row is taken."""
    max_duplicate_percent: Percent = 1.0
    """Rows that repeat an earlier row's key: fewer warn, more stop, percent of rows."""
    max_unknown_percent: Percent = 20.0
    """Events whose item is not in the items table: from 1 % warn, more than this stop, percent."""
    max_renamed_percent: Percent = 50.0
    """Events with ids that the blessed span never had: beyond `max_unknown_percent` warn, more than this stop,
    percent."""
    max_scale_ratio: float = Field(10.0, gt=1)
    """A day's or week's median price or quantity over the median of the seven before: beyond this ratio, up or down,
    stop. Over The Complete Journey's 366 days the price ratio stays within 0.8 and 1.3."""
    max_null_jump_percent: float = Field(20.0, gt=0, le=100)
    """A week's missing share of a column, above the median week's: more stops, percentage points."""
    max_missing_days: int = Field(2, ge=0)
    """Days in a row without events, in otherwise daily data: up to this many warn (holidays), more stop."""
    min_volume_percent: float = Field(50.0, gt=0, le=100)
    """Events of the last full week over the median week: less warns, a fifth of this stops, percent."""
    max_volume_ratio: float = Field(1.5, gt=1)
    """Events a day over those of the blessed span, or the other way round: beyond warns, beyond `stop_drift_factor`
    times this stops. Between quarters of The Complete Journey at most 1.02."""
    max_mixed_basket_percent: Percent = 5.0
    """Baskets with more than one shopper: fewer warn, more stop, percent."""
    drift_days: int = Field(28, ge=7)
    """The last days before the cut, compared with all days before them, days."""
    max_drift_numeric: Share = 0.03
    """Jensen-Shannon divergence of log price, log quantity and hour: beyond warns. 20 pairs of 28 days against
    all days before, in The Complete Journey: at most 0.001, 0.001, 0.015; week to next week: 0.008, 0.001, 0.010."""
    max_drift_category: Share = 0.10
    """L-infinity distance of store, event type and weekday shares: beyond warns. The same 20 pairs: at most
    0.018, 0, 0.072; week to next week 0.020, 0, 0.142 (weekday, around Christmas)."""
    stop_drift_factor: Factor = 6.0
    """A distance beyond its limit by this factor stops."""
    closed_days: tuple[str, ...] = ()
    """Days (YYYY-MM-DD) known to have no events."""
