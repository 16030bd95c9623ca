"""Distances between stretches of requests and purchases, for the monitor: TFDV's measures, without limits.

Runs in the validate environment, many windows in one call, since importing TFDV takes longer than all of them.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.tfdv import statistics
from components.tfdv.derived_columns import HOUR, WEEKDAY, with_derived
from components.tfdv.distances import Distances, drift, of_events, skew
from model.data import columns as c
from model.data import schema
from model.errors import InputError
from tfx_configs.units import WEEK_S

MIN_ROWS = 50
"""Fewer rows on either side make a distance of noise, whatever it is compared with."""

Parts = list[list[float]]
Spans = dict[str, Parts]
"""{window: its parts as (begin, end), unix seconds}."""
ByWindow = dict[str, Distances]
"""{window: distances}, empty for a window that is too short."""


def distances(
    training_stats: str, visits: list[str], purchases: list[str], spans: Spans, time_zone: str = "UTC"
) -> dict[str, ByWindow]:
    """How far each window's requests are from the training trips, and its purchases from those of the week before.

    Args:
        training_stats: requests.stats.pb of validation; empty: no skew is measured.
        visits: Parquet files with user_id, time_s, store_id.
        purchases: Parquet files with event_time (unix seconds), price, quantity, store_id, event_type.
        time_zone: whose clock shows the hour and weekday of a purchase; those of requests are UTC's, as in training.

    Returns:
        {"skew": {window: {feature: distance}}, "drift": likewise}.

    Raises:
        InputError: the training statistics are not there.
    """
    if training_stats and not Path(training_stats).is_file():
        raise InputError(f"training_stats: expected a file at {training_stats}, found none")
    trained = statistics.read(Path(training_stats)) if training_stats else None
    asked = _loaded(visits)
    bought = _by_clock(_loaded(purchases), time_zone)

    def from_training(parts: Parts) -> Distances:
        rows = _within(asked, parts)
        return {} if trained is None or len(rows) < MIN_ROWS else skew(trained, rows)

    def from_week_before(parts: Parts) -> Distances:
        now, before = _within(bought, parts), _within(bought, [[b - WEEK_S, e - WEEK_S] for b, e in parts])
        return {} if min(len(now), len(before)) < MIN_ROWS else drift(of_events(before), of_events(now))

    return {"skew": _each(from_training, spans), "drift": _each(from_week_before, spans)}


def _each(measure: Callable[[Parts], Distances], spans: Spans) -> ByWindow:
    """Measures each stretch of time once: of runs a week apart, most windows before the cut are the same."""
    distinct = {str(parts): parts for parts in spans.values()}
    measured = {key: measure(parts) for key, parts in distinct.items()}
    return {name: measured[str(parts)] for name, parts in spans.items()}


def _loaded(paths: list[str]) -> pd.DataFrame:
    """All rows with the derived columns, times as float64 seconds."""
    rows = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True).rename(columns={"time_s": c.TIME})
    derived: pd.DataFrame = with_derived(schema.EVENTS, rows.astype({c.TIME: "float64"}))
    return derived.sort_values(c.TIME, kind="stable")


def _by_clock(frame: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    """The rows with the hour and weekday that a clock of the zone showed."""
    moments = pd.to_datetime(frame[c.TIME], unit="s", utc=True).dt.tz_convert(time_zone).dt.tz_localize(None)
    shown = frame.assign(**{c.TIME: (moments - pd.Timestamp(0)).dt.total_seconds()})
    derived: pd.DataFrame = with_derived(schema.EVENTS, shown)
    return frame.assign(**{name: derived[name].to_numpy() for name in (HOUR, WEEKDAY)})


def _within(frame: pd.DataFrame, parts: Parts) -> pd.DataFrame:
    bounds = [frame[c.TIME].searchsorted(part) for part in parts]
    return pd.concat([frame.iloc[low:high] for low, high in bounds]) if bounds else frame.iloc[:0]
