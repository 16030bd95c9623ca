"""Drift: how far the distribution of each event feature moved between two stretches of time, measured by TFDV."""

import dataclasses
import itertools
from collections.abc import Sequence

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.validate import statistics
from components.validate.findings import Finding, Severity
from components.validate.tables import HOUR, LOG_PRICE, LOG_QUANTITY, WEEKDAY
from model.data import columns as c
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

NUMERIC = (LOG_PRICE, LOG_QUANTITY, HOUR)
CATEGORICAL = (c.STORE, c.EVENT_TYPE, WEEKDAY)
WARN_ONLY = (HOUR, WEEKDAY)
"""When people shop may change at any time; it breaks nothing."""
MIN_ROWS = 1000
"""Fewer rows on either side make a distance of noise."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distance:
    """How far one feature moved, and its limit."""

    feature: str
    value: float
    limit: float


def distances(earlier: pd.DataFrame, recent: pd.DataFrame, settings: ValidationSettings) -> list[Distance]:
    """Jensen-Shannon divergence of numbers, L-infinity distance of categories; features on both sides only."""
    before, after = (statistics.compute(frame) for frame in _one_range([earlier, recent]))
    return between(before, after, settings)


def between(earlier: statistics.Stats, recent: statistics.Stats, settings: ValidationSettings) -> list[Distance]:
    """`distances` of statistics whose numbers were cut to one range."""
    there = names(earlier) & names(recent)
    schema = schema_pb2.Schema()
    for name in (*NUMERIC, *CATEGORICAL):
        if name in there:
            set_limit(add_feature(schema, name).drift_comparator, name, settings)
    anomalies = tfdv.validate_statistics(recent, schema, previous_statistics=earlier)
    return [
        Distance(feature=".".join(info.path.step), value=measure.value, limit=measure.threshold)
        for info in anomalies.drift_skew_info
        for measure in info.drift_measurements
    ]


def add_feature(schema: schema_pb2.Schema, name: str) -> schema_pb2.Feature:
    """Adds a compared feature to the schema and returns it."""
    return schema.feature.add(name=name, type=schema_pb2.FLOAT if name in NUMERIC else schema_pb2.BYTES)


def set_limit(comparator: schema_pb2.FeatureComparator, name: str, settings: ValidationSettings) -> None:
    """Gives a drift or skew comparator the measure and limit of the feature."""
    if name in NUMERIC:
        comparator.jensen_shannon_divergence.threshold = settings.max_drift_numeric
    else:
        comparator.infinity_norm.threshold = settings.max_drift_category


def measure(feature: str) -> str:
    """The name of the feature's distance."""
    return "Jensen-Shannon divergence" if feature in NUMERIC else "L-infinity distance"


def severity(distance: Distance, settings: ValidationSettings) -> Severity:
    """What a distance beyond its limit means."""
    far = distance.value > distance.limit * settings.stop_drift_factor
    return "stop" if far and distance.feature not in WARN_ONLY else "warn"


def by_week(events: pd.DataFrame, settings: ValidationSettings, weeks: int = 26) -> dict[str, list[float | None]]:
    """{feature: distance of each of the last `weeks` weeks from the week before it}, oldest first."""
    end = _next_midnight(events[c.TIME].max())
    spans = [_span(events, end - (k + 1) * 7 * DAY_S, end - k * 7 * DAY_S) for k in range(weeks, -1, -1)]
    filled = iter(_one_range([span for span in spans if len(span) >= MIN_ROWS]))
    measured = [statistics.compute(next(filled)) if len(span) >= MIN_ROWS else None for span in spans]
    steps: list[dict[str, float]] = [
        {d.feature: d.value for d in between(before, after, settings)} if before and after else {}
        for before, after in itertools.pairwise(measured)
    ]
    measured_names = sorted({name for step in steps for name in step})
    return {name: [step.get(name) for step in steps] for name in measured_names}


def find(events: pd.DataFrame, settings: ValidationSettings) -> tuple[list[Finding], list[Distance]]:
    """Features of the training events whose last `drift_days` days moved too far from the days before.

    Nothing is measured when either side is shorter than a week or has fewer than MIN_ROWS rows.
    """
    end = _next_midnight(events[c.TIME].max())
    split = end - settings.drift_days * DAY_S
    earlier, recent = _span(events, 0, split), _span(events, split, end)
    too_short = events[c.TIME].min() > split - 7 * DAY_S
    if too_short or min(len(earlier), len(recent)) < MIN_ROWS:
        return [], []
    measured = distances(earlier, recent, settings)
    return [_finding(d, settings) for d in measured if d.value > d.limit], measured


def _finding(distance: Distance, settings: ValidationSettings) -> Finding:
    return Finding(
        table="events",
        column=distance.feature,
        check="drift",
        severity=severity(distance, settings),
        expected=(
            f"the last {settings.drift_days} training days within {distance.limit:g} of the days before "
            f"({measure(distance.feature)})"
        ),
        received=f"{distance.value:.3f}",
        what_to_do="see the drift chart: a real change of the business needs a retrain, a broken feed needs a repair",
    )


def _one_range(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames with each number cut to the range that all of them cover.

    TFDV spreads a histogram's buckets evenly from least to greatest value. One extreme value would move every edge,
    and the divergence of two such histograms would be of edges, not of data; after this all have the same edges.
    """
    out = [frame.copy() for frame in frames]
    for name in NUMERIC:
        if not out or not all(name in frame and frame[name].notna().any() for frame in out):
            continue
        low, high = max(frame[name].min() for frame in out), min(frame[name].max() for frame in out)
        for frame in out:
            frame[name] = frame[name].clip(low, high) if low < high else frame[name]
    return out


def _span(events: pd.DataFrame, begin_s: float, end_s: float) -> pd.DataFrame:
    wanted = [name for name in (*NUMERIC, *CATEGORICAL) if name in events]
    return events.loc[(events[c.TIME] >= begin_s) & (events[c.TIME] < end_s), wanted]


def _next_midnight(time_s: float) -> float:
    return (time_s // DAY_S + 1) * DAY_S


def names(stats: statistics.Stats) -> set[str]:
    """The features that the statistics have."""
    return {".".join(feature.path.step) for feature in stats.datasets[0].features}
