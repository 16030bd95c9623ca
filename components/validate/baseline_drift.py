"""Against a reference: the training span of the run that made the blessed model.

A fault that was there from the first day (all prices in cents, all ids remapped) is normal within one span; only
an earlier span shows it. Each validation leaves what the next one compares with.
"""

import pandas as pd

from components.artifacts.validation import Distance, Finding, Severity, Span, Validation
from components.tfdv import statistics
from components.tfdv.distances import COMPARED, NUMERIC, drift_of_stats
from components.validate import calendar_weeks as weeks
from components.validate import gaps, id_changes
from components.validate.drift import drifted, with_limits
from components.validate.findings import finding
from model.data import columns as c
from model.errors import InputError
from tfx_configs.validation import ValidationSettings

KNOWN = (c.ITEM, c.USER)
"""Id columns that are compared."""
TRAINING, SINCE = "training", "since"
TAIL = 0.001
"""Share of the values cut off at either end."""


def spans(training: pd.DataFrame, reference: Validation | None, cut_s: float) -> dict[str, statistics.Selection]:
    """{TRAINING, SINCE: events before the cut, each number clipped to a range}, to be measured for `write` and `find`.

    Both sides of a comparison need the same histogram edges: TRAINING leaves TAIL of the values out, SINCE has the
    ranges of the reference.

    Raises InputError when `reference` holds none.
    """
    own = {
        name: (float(training[name].quantile(TAIL)), float(training[name].quantile(1 - TAIL)))
        for name in NUMERIC
        if name in training and training[name].notna().any()
    }
    ranges = {TRAINING: own} | ({SINCE: _ranges(_before(reference))} if reference else {})
    return {name: statistics.Selection(end_s=cut_s, columns=COMPARED, ranges=of) for name, of in ranges.items()}


def write(training: pd.DataFrame, measured: statistics.Stats, out: Validation, stride: int = 1) -> None:
    """Writes what a later run compares with.

    Args:
        training: events before the cut with the derived columns.
        measured: statistics of TRAINING.
        stride: `training` is every stride-th row of them.
    """
    statistics.write(measured, out.drift_stats)
    for column in KNOWN:
        id_changes.by_id(training, column).to_parquet(out.training_ids(column))
    dense = gaps.dense_events(training)
    Span(
        events=stride * len(dense),
        days=span_days(dense),
        last_day=int(weeks.days(training[c.TIME]).max()),
        returning_percent={column: id_changes.returning_percent(training, column) for column in KNOWN},
    ).save(out.directory)


def find(
    training: pd.DataFrame,
    measured: statistics.Stats,
    reference: Validation,
    settings: ValidationSettings,
    stride: int = 1,
) -> tuple[list[Finding], list[Distance]]:
    """How the training events (every stride-th row) differ from those of the reference, which `write` wrote.

    `measured`: statistics of SINCE. Raises InputError when `reference` holds none.
    """
    before, span = _before(reference), reference.span
    assert span is not None
    distances = with_limits(drift_of_stats(before, measured), settings)
    out = drifted(distances, "reference_drift", settings)
    dense = gaps.dense_events(training)
    of_feed: list[Finding] = _volume(volume_ratio(span, stride * len(dense), span_days(dense)), settings)
    for column in KNOWN:
        if column not in training:
            continue
        before_ids, ids = pd.read_parquet(reference.training_ids(column)), id_changes.by_id(training, column)
        of_feed += id_changes.unknown(column, before_ids, ids, span.returning_percent.get(column, 100.0), settings)
        if column == c.ITEM:
            out += id_changes.prices(before_ids, ids, settings)
    apart = 0 if span.last_day is None else int(weeks.days(training[c.TIME]).min()) - span.last_day
    return out + id_changes.softened(of_feed, apart), distances


def _before(reference: Validation) -> statistics.Stats:
    if reference.span is None or not reference.drift_stats.is_file():
        raise InputError(
            f"reference_dir: expected {reference.drift_stats.name} in {reference.directory}, found none; "
            "pass the validation output of the run that made the stable model, or nothing"
        )
    return statistics.read(reference.drift_stats)


def _ranges(stats: statistics.Stats) -> dict[str, tuple[float, float]]:
    return {
        statistics.name_of(feature): (feature.num_stats.min, feature.num_stats.max)
        for feature in stats.datasets[0].features
        if feature.HasField("num_stats")
    }


def _volume(ratio: float, settings: ValidationSettings) -> list[Finding]:
    """Far fewer or far more events a day: half of the feed is missing, or it is another one."""
    beyond = max(ratio, 1 / ratio) / settings.max_volume_ratio
    if beyond <= 1:
        return []
    severity: Severity = "stop" if beyond > settings.stop_drift_factor else "warn"
    return [finding("reference_volume", c.TIME, severity, most=settings.max_volume_ratio, ratio=ratio)]


def volume_ratio(span: Span, events: int, days: int) -> float:
    """Events a day now over those of the reference."""
    return (events / days) / (span.events / span.days)


def span_days(training: pd.DataFrame) -> int:
    """From the first day with events to the last."""
    day = weeks.days(training[c.TIME])
    return int(day.max() - day.min()) + 1
