"""TFDV's statistics as messages and files, and what of a table they are asked of."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
from tensorflow_metadata.proto.v0 import statistics_pb2

from model.data import columns as c

Stats: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows and columns of a table, with the derived columns, of which statistics are asked."""

    begin_s: float = -math.inf
    """Event times from here, unix seconds."""
    end_s: float = math.inf
    """Event times before this."""
    columns: tuple[str, ...] | None = None
    """None: all."""
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """{column: what its numbers are clipped to}."""

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The selected rows of a frame."""
        out = frame
        if (self.begin_s, self.end_s) != (-math.inf, math.inf):
            out = out[(out[c.TIME] >= self.begin_s) & (out[c.TIME] < self.end_s)]
        if self.columns is not None:
            out = out[[name for name in self.columns if name in out]]
        clipped = {name: out[name].clip(*bounds) for name, bounds in self.ranges.items() if name in out}
        return out.assign(**clipped) if clipped else out


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


def common_of(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """What numbers and strings have in common, such as how many values are missing."""
    of_kind = feature.num_stats if feature.WhichOneof("stats") == "num_stats" else feature.string_stats
    return of_kind.common_stats


def name_of(message: Any) -> str:
    """The feature that a TFDV message with a path is about; empty for the whole table."""
    return ".".join(message.path.step)
