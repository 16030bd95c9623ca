"""Distances between two spans of data by feature: Jensen-Shannon divergence of numbers, L-infinity of categories."""

from collections.abc import Iterable, Sequence

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.tfdv import statistics, value_counts
from components.tfdv.derived_columns import HOUR, LOG_PRICE, LOG_QUANTITY, WEEKDAY
from model.data import columns as c

NUMERIC = (LOG_PRICE, LOG_QUANTITY, HOUR)
CATEGORICAL = (c.STORE, c.EVENT_TYPE, WEEKDAY)
COMPARED = (*NUMERIC, *CATEGORICAL)
OF_REQUESTS = (HOUR, WEEKDAY, c.STORE)
"""What a request has, too."""

Distances = dict[str, float]
"""{feature: distance}, of features on both sides."""


def drift(earlier: pd.DataFrame, recent: pd.DataFrame) -> Distances:
    """Of recent events from earlier ones, both with the derived columns."""
    before, after = (value_counts.of_frame(frame) for frame in with_one_range([earlier, recent]))
    return drift_of_stats(before, after)


def drift_of_stats(earlier: statistics.Stats, recent: statistics.Stats) -> Distances:
    """`drift` of statistics whose numbers were clipped to one range."""
    schema = _comparing(COMPARED, earlier, recent, "drift_comparator")
    return _measured(tfdv.validate_statistics(recent, schema, previous_statistics=earlier), "drift_measurements")


def skew(trained: statistics.Stats, requests: pd.DataFrame) -> Distances:
    """Of requests, with the derived columns, from the training trips."""
    served = value_counts.of_frame(requests)
    schema = _comparing(OF_REQUESTS, trained, served, "skew_comparator")
    return _measured(tfdv.validate_statistics(trained, schema, serving_statistics=served), "skew_measurements")


def of_events(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of the compared columns that the frame has."""
    return frame[[name for name in COMPARED if name in frame]]


def with_one_range(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames with each number clipped to the range that all of them cover."""
    clipped = statistics.Selection(ranges=common_ranges(frames))
    return [clipped.of(frame) for frame in frames]


def common_ranges(frames: Sequence[pd.DataFrame]) -> dict[str, tuple[float, float]]:
    """{column: the range of its numbers that all frames cover}.

    TFDV spreads a histogram's buckets evenly from least to greatest value. One extreme value would move every edge,
    and the divergence of two such histograms would be of edges, not of data; clipped to one range, all have the same.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for name in NUMERIC:
        if not frames or not all(name in frame and frame[name].notna().any() for frame in frames):
            continue
        low, high = max(frame[name].min() for frame in frames), min(frame[name].max() for frame in frames)
        if low < high:
            ranges[name] = (float(low), float(high))
    return ranges


def _measured(compared: anomalies_pb2.Anomalies, kind: str) -> Distances:
    infos = compared.drift_skew_info
    return {statistics.name_of(info): measurement.value for info in infos for measurement in getattr(info, kind)}


def _comparing(
    features: Iterable[str], before: statistics.Stats, after: statistics.Stats, comparator: str
) -> schema_pb2.Schema:
    """A schema that makes TFDV measure the features of both; a threshold is what it asks for to do so."""
    schema, there = schema_pb2.Schema(), statistics.names(before) & statistics.names(after)
    for name in features:
        if name in there:
            kind = schema_pb2.FLOAT if name in NUMERIC else schema_pb2.BYTES
            compared = getattr(schema.feature.add(name=name, type=kind), comparator)
            measure = compared.jensen_shannon_divergence if name in NUMERIC else compared.infinity_norm
            measure.threshold = 1.0
    return schema
