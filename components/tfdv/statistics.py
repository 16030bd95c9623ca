"""Frames -> TFDV statistics. n_jobs stays 1: every further worker would import TensorFlow again (about 10 s each)."""

from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from model.data import columns as c

Stats: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


def compute(frame: pd.DataFrame) -> Stats:
    """Statistics of a frame with at least one row. Columns without any value are left out: TFDV cannot type them."""
    usable = frame.dropna(axis=1, how="all").reset_index(drop=True)
    return tfdv.generate_statistics_from_dataframe(usable, n_jobs=1)


def write(stats: Stats, path: Path) -> None:
    """Equal statistics give equal bytes. Of shoppers' ids only the counts are written: no value is named."""
    nameless = Stats()
    nameless.CopyFrom(stats)
    for feature in nameless.datasets[0].features:
        if name_of(feature) == c.USER:
            feature.string_stats.ClearField("top_values")
            feature.string_stats.ClearField("rank_histogram")
    path.write_bytes(nameless.SerializeToString(deterministic=True))


def read(path: Path) -> Stats:
    """What `write` wrote."""
    return Stats.FromString(path.read_bytes())


def names(stats: Stats) -> set[str]:
    """The features that the statistics have."""
    return {name_of(feature) for feature in stats.datasets[0].features}


def name_of(message: Any) -> str:
    """The feature that a TFDV message with a path is about; empty for the whole table."""
    return ".".join(message.path.step)
