"""TFDV statistics from how often each value comes: the figures of all rows, for the work of the different values.

A column's values are counted by Arrow, batch by batch. TFDV's own combiners take each different one once, with its
count as the weight of an example: at the end or, where there are very many, as they come.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.types import FeaturePath
from tensorflow_data_validation.utils.top_k_uniques_stats_util import (
    FeatureValueCount,
    make_feature_stats_proto_topk_uniques,
)
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow import table_util

from components.tfdv.statistics import Stats, common_of

_VALUE, _ROWS = "value", "rows"
"""Columns of what TFDV takes."""
_GENERATORS: Any = stats_impl.get_generators(tfdv.StatsOptions(weight_feature=_ROWS), in_memory=True)
_OPTIONS = tfdv.StatsOptions()
_MANY = 1 << 20
"""Values of a column that are counted exactly, about; of more, TFDV's sketches find the most frequent ones."""


class ValueCounts:
    """The counts of a table's columns so far."""

    def __init__(self) -> None:
        self._rows = 0
        self._columns: dict[str, _Column] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts more rows: their texts, which may be codes of a dictionary, and numbers; all else is left out."""
        self._rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            if pa.types.is_string(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind):
                self._columns.setdefault(name, _Column()).add(*counted(column))

    def stats(self) -> Stats:
        """The statistics, which end the count; without the columns that have no value: TFDV cannot type them."""
        measured = Stats()
        table = measured.datasets.add(num_examples=self._rows)
        table.features.extend(of.stats(name, self._rows) for name, of in self._columns.items() if of.rows)
        return measured


class _Column:
    """What TFDV's combiners hold of one column, and what they do not weigh."""

    def __init__(self) -> None:
        self.rows = 0
        self._sums = [generator.create_accumulator() for generator in _GENERATORS]
        self._zeros = self._bytes = 0.0
        self._waiting: list[tuple[pa.Array, np.ndarray]] = []
        self._values_waiting = 0
        self._exact = True

    def add(self, values: pa.Array, rows: np.ndarray) -> None:
        """So many rows more of each value."""
        if not len(values):
            return
        self.rows += int(rows.sum())
        self._waiting.append((values, rows))
        self._values_waiting += len(values)
        if self._values_waiting > _MANY and len(self._merged()[0]) > _MANY // 2:
            self._give()
            self._exact = False

    def _merged(self) -> tuple[pa.Array, np.ndarray]:
        """Each value that waits once, and its rows."""
        coded = pa.concat_arrays([values for values, _ in self._waiting]).dictionary_encode()
        rows = np.bincount(coded.indices.to_numpy(), np.concatenate([rows for _, rows in self._waiting]))
        self._waiting, self._values_waiting = [(coded.dictionary, rows)], len(rows)
        return self._waiting[0]

    def _give(self) -> None:
        """Gives TFDV what waits."""
        values, rows = self._merged()
        self._waiting, self._values_waiting = [], 0
        weighted = pa.RecordBatch.from_arrays([values, pa.array(rows)], [_VALUE, _ROWS])
        batch = table_util.CanonicalizeRecordBatch(weighted)
        self._sums = [generator.add_input(each, batch) for generator, each in zip(_GENERATORS, self._sums, strict=True)]
        if pa.types.is_string(values.type):
            self._bytes += float(pc.binary_length(values).to_numpy() @ rows)
        else:
            self._zeros += float(rows[values.to_numpy() == 0].sum())

    def stats(self, name: str, rows: int) -> statistics_pb2.FeatureNameStatistics:
        """The column's statistics in a table of so many rows: TFDV's weighted figures in the place of the plain ones,
        which are of the different values. How many texts are no UTF-8 remains a count of these."""
        every = self._merged() if self._waiting else None
        if every:
            self._give()
        basic = self._sums[0]
        del basic[FeaturePath([_ROWS])]
        basic[FeaturePath([_VALUE])].numeric_stats.quantiles_summary = None  # of the different values: for nothing
        (feature,) = stats_impl.extract_statistics_output(self._sums, _GENERATORS).datasets[0].features
        feature.path.step[:] = [name]
        common = common_of(feature)
        common.num_missing, common.num_non_missing, common.tot_num_values = rows - self.rows, self.rows, self.rows
        common.ClearField("weighted_common_stats")
        buckets = common.num_values_histogram.buckets
        for bucket in buckets:
            bucket.sample_count = self.rows / len(buckets)
        if feature.HasField("num_stats"):
            numbers, weighted = feature.num_stats, feature.num_stats.weighted_numeric_stats
            numbers.mean, numbers.std_dev, numbers.median = weighted.mean, weighted.std_dev, weighted.median
            numbers.num_zeros = int(self._zeros)
            numbers.histograms.extend(weighted.histograms)
            numbers.ClearField("weighted_numeric_stats")
        else:
            texts = feature.string_stats
            texts.avg_length = self._bytes / self.rows
            counts = _most_frequent(*every) if every and self._exact else texts.weighted_string_stats
            texts.unique = len(every[0]) if every and self._exact else texts.unique
            texts.ClearField("top_values")
            texts.top_values.extend(counts.top_values)
            texts.rank_histogram.CopyFrom(counts.rank_histogram)
            texts.ClearField("weighted_string_stats")
        return feature


def _most_frequent(values: pa.Array, rows: np.ndarray) -> statistics_pb2.StringStatistics:
    """TFDV's list and histogram of the most frequent values."""
    by = [(_ROWS, "descending"), (_VALUE, "descending")]
    most = pc.sort_indices(pa.table({_VALUE: values, _ROWS: rows}), by)[: _OPTIONS.num_rank_histogram_buckets]
    pairs = map(FeatureValueCount, values.take(most).to_pylist(), rows[most.to_numpy()].tolist())
    sizes = _OPTIONS.num_top_values, _OPTIONS.num_rank_histogram_buckets
    return make_feature_stats_proto_topk_uniques(FeaturePath([_VALUE]), *sizes, len(values), list(pairs)).string_stats


def of_frame(frame: pd.DataFrame) -> Stats:
    """Statistics of a frame with at least one row, without its columns that have no value."""
    counts = ValueCounts()
    counts.add(pa.RecordBatch.from_pandas(frame, preserve_index=False))
    return counts.stats()


def counted(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """([n] different values, [n] int64 how often each comes), without the missing ones."""
    if pa.types.is_dictionary(column.type):
        codes = pc.drop_null(column.indices).to_numpy()
        rows = np.bincount(codes, minlength=len(column.dictionary))
        used = np.flatnonzero(rows)
        return column.dictionary.take(pa.array(used)), rows[used]
    counts = pc.value_counts(pc.drop_null(column))
    return counts.field("values"), counts.field("counts").to_numpy()
