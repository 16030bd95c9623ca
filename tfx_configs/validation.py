"""Limits of data validation: when a table stops the pipeline, and when it only earns a warning."""

import datetime
from typing import Annotated

from pydantic import Field

from tfx_configs.frozen import Factor, Must, Percent, Settings, Share

_EPOCH = datetime.date(1970, 1, 1)


def days_of(text: str) -> range:
    """The days since 1970 of `YYYY-MM-DD` or, with both ends, `YYYY-MM-DD/YYYY-MM-DD`. Raises ValueError."""
    first, _, last = text.partition("/")
    begin, end = (datetime.date.fromisoformat(day) for day in (first, last or first))
    return range((begin - _EPOCH).days, (end - _EPOCH).days + 1)


def _are_days(texts: tuple[str, ...]) -> bool:
    try:
        return all(days_of(text) for text in texts)
    except ValueError:
        return False


class ValidationSettings(Settings):
    """Limits of the plain checks and of drift. A `stop` ends the run, a `warn` is shown in the report."""

    max_rows: int = Field(2_000_000, ge=1000)
    """Rows of a table that the plain checks hold in memory; of a larger table they see every k-th row. Statistics, the
    schema and drift are of all rows."""
    max_duplicate_percent: Percent = 1.0
    """Rows that repeat an earlier row's key: fewer warn, more stop, percent of rows."""
    max_unknown_percent: Percent = 20.0
    """Events whose item is not in the items table: from 1 % warn, more than this stop, percent."""
    max_renamed_percent: Percent = 50.0
    """Events with ids that the blessed span never had: beyond `max_unknown_percent` warn, more than this stop, percent;
    over what is usual, where ids came and went within the blessed span."""
    max_scale_ratio: float = Field(10.0, gt=1)
    """A day's or week's median price or quantity over the median of the seven before: beyond this ratio, up or down,
    stop. Over The Complete Journey's 366 days the price ratio stays within 0.8 and 1.3."""
    max_null_jump_percent: float = Field(20.0, gt=0, le=100)
    """A week's missing share of a column, above the median week's: more stops, or warns before the first usual week,
    percentage points."""
    max_type_jump_percent: float = Field(30.0, gt=0, le=100)
    """A week's share of an event type, above the median week's: more warns, percentage points."""
    max_missing_days: int = Field(13, ge=0)
    """Days in a row without visits where many were expected: more stop when they reach into the four weeks before the
    cut or lie after it, and no such gap was there in an earlier year. Every other gap warns with its dates."""
    min_volume_percent: float = Field(50.0, gt=0, le=100)
    """Events of the last full week over the median week: less warns, a fifth of this stops, percent."""
    max_volume_ratio: float = Field(1.5, gt=1)
    """Events a day over those of the blessed span, or the other way round: beyond warns, beyond `stop_drift_factor`
    times this stops. Between quarters of The Complete Journey at most 1.02."""
    max_mixed_basket_percent: Percent = 5.0
    """Baskets with more than one shopper: fewer warn, more stop, percent."""
    max_changed_percent: Percent = 20.0
    """Products (or shoppers) that lost an attribute's value, or are in another group by it, since the blessed run: from
    5 % warn, more than this stop, percent."""
    changing_attributes: tuple[str, ...] = ()
    """Attributes whose values change often, as `items.stock`: other values since the blessed run are no finding."""
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
    closed_days: Annotated[
        tuple[str, ...], Must("days like 2017-12-25, or spans like 2017-12-24/2018-01-02", _are_days)
    ] = ()
    """Days (YYYY-MM-DD) and spans of days (YYYY-MM-DD/YYYY-MM-DD) known to have no events."""
