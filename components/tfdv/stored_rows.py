"""TFDV statistics of stored tables of any size: the rows are read in batches, and never all of them at once.

In this process the values of one batch after the other are counted (components/tfdv/value_counts.py). On a runner of
Beam, TFDV's transform GenerateStatistics takes the row groups of the files, each read by a worker. One pass serves
several selections.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import apache_beam
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput
from tfx_bsl.arrow import table_util

from components.beam.checked_options import on_runner
from components.beam.shared_files import AS_IS, SharedFiles, shared_files
from components.tfdv.arrow_values import to_arrow, to_pandas
from components.tfdv.derived_columns import with_derived
from components.tfdv.statistics import Selection, Stats, common_of
from components.tfdv.value_counts import ValueCounts
from model.data import schema
from tfx_configs.beam import BeamSettings

BATCH = 65_536
"""Rows in memory at a time, of each worker."""
Unit = tuple[str, int]
"""(file, row group)"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredTable:
    """A canonical table in Parquet files."""

    table: str
    files: tuple[str, ...]
    columns: pa.Schema
    """Of the whole table, but those of which no file has a value; a file may lack some."""
    as_floats: frozenset[str] = frozenset()
    """Columns of whole numbers of which some are missing: a batch without a gap would be of another type."""

    @classmethod
    def at(cls, path: Path, table: schema.Table, partition: str) -> Self:
        """The table in the file or directory `path`; `partition` is the column that names its directories."""
        source = ds.dataset(path, format="parquet", partitioning="hive" if path.is_dir() else None)
        stored = (field for field in source.schema if not (path.is_dir() and field.name == partition))
        columns = pa.schema([field for field in stored if not pa.types.is_null(field.type)])
        whole = [field.name for field in columns if pa.types.is_integer(field.type)]
        gaps: set[str] = set()
        for batch in source.to_batches(columns=whole) if whole else ():
            gaps |= {name for name in whole if batch.column(name).null_count}
        return cls(table=table.name, files=tuple(source.files), columns=columns, as_floats=frozenset(gaps))

    def batches(
        self, path: str, group: int, selections: Mapping[str, Selection], coded: bool = False
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """(selection, its rows) of a row group, in batches; `coded`: texts are codes of a dictionary."""
        with FileSystems.open(path, compression_type=AS_IS) as file:
            stored = pq.ParquetFile(file)
            if coded:
                texts = [field.name for field in stored.schema_arrow if pa.types.is_string(field.type)]
                stored = pq.ParquetFile(file, metadata=stored.metadata, read_dictionary=texts)
            for batch in stored.iter_batches(batch_size=BATCH, row_groups=[group]):
                if self.table == schema.EVENTS.name:
                    yield from self._events(batch, selections)
                else:  # no derived columns, and nothing to select by: without pandas in between
                    plain = pa.table({field.name: self._values(batch, field) for field in self.columns})
                    (rows,) = plain.combine_chunks().to_batches()
                    for name in selections:
                        yield name, rows

    def _events(
        self, batch: pa.RecordBatch, selections: Mapping[str, Selection]
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        frame = pd.DataFrame({field.name: to_pandas(_column(batch, field)) for field in self.columns})
        derived = with_derived(schema.EVENTS, frame.astype(dict.fromkeys(self.as_floats, "float64")))
        for name, selection in selections.items():
            rows = selection.of(derived)
            if len(rows):
                yield name, pa.RecordBatch.from_pandas(rows, preserve_index=False)

    def _values(self, batch: pa.RecordBatch, field: pa.Field) -> pa.ChunkedArray:
        values = to_arrow(_column(batch, field))
        return values.cast(pa.float64()) if field.name in self.as_floats else values


Asked = Mapping[str, tuple[StoredTable, Selection]]
"""{name of the result: the table, and what of it}."""


def compute(asked: Asked, beam: BeamSettings) -> dict[str, Stats]:
    """{name: statistics of that selection}, in one pass over each table. Columns without any value are left out.

    Raises InputError or StageFailed as components.beam.checked_options.
    """
    return _on_runner(asked, beam) if beam.on_runner else _here(asked)


def _here(asked: Asked) -> dict[str, Stats]:
    counts = {name: ValueCounts() for name in asked}
    for source, selections in _by_table(asked):
        for path, group in _units(source.files):
            for name, batch in source.batches(path, group, selections, coded=True):
                counts[name].add(batch)
    return {name: of.stats() for name, of in counts.items()}


def _on_runner(asked: Asked, beam: BeamSettings) -> dict[str, Stats]:
    with on_runner(beam) as options, shared_files(beam) as shared:
        with apache_beam.Pipeline(options=options) as pipeline:
            for source, selections in _by_table(asked):
                offered = {
                    path: shared.offered(Path(path), f"{source.table}-{n:05}.parquet")
                    for n, path in enumerate(source.files)
                }
                batches = (
                    pipeline
                    | f"Units of {source.table}"
                    >> apache_beam.Create([(offered[path], group) for path, group in _units(source.files)])
                    | f"Spread {source.table}" >> apache_beam.Reshuffle()
                    | f"Read {source.table}" >> apache_beam.ParDo(_Read(source, selections)).with_outputs(*selections)
                )
                for name in selections:
                    rows = batches[name] | f"Rows of {name}" >> apache_beam.Map(_same).with_output_types(pa.RecordBatch)
                    stats = rows | f"Statistics of {name}" >> tfdv.GenerateStatistics(tfdv.StatsOptions())
                    _ = stats | f"Write {name}" >> tfdv.WriteStatisticsToBinaryFile(shared.place(f"{name}.pb"))
        return {name: _read(shared, name) for name in asked}


class _Read(apache_beam.DoFn):
    """(file, row group) -> its record batches, each tagged with the selection that it is of."""

    def __init__(self, source: StoredTable, selections: Mapping[str, Selection]) -> None:
        super().__init__()
        self._source, self._selections = source, dict(selections)

    def process(self, unit: Unit):  # type: ignore[no-untyped-def]  # Beam takes an annotation for a type of elements
        for name, batch in self._source.batches(*unit, self._selections):
            yield TaggedOutput(name, table_util.CanonicalizeRecordBatch(batch))


def _by_table(asked: Asked) -> list[tuple[StoredTable, dict[str, Selection]]]:
    sources = {source.table: source for source, _ in asked.values()}
    return [
        (source, {name: selection for name, (of, selection) in asked.items() if of.table == table})
        for table, source in sources.items()
    ]


def _same(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch


def _units(files: Sequence[str]) -> Iterator[Unit]:
    for path in files:
        for group in range(pq.ParquetFile(path).num_row_groups):
            yield path, group


def _read(shared: SharedFiles, name: str) -> Stats:
    with FileSystems.open(shared.place(f"{name}.pb"), compression_type=AS_IS) as file:
        return _with_values(Stats.FromString(file.read()))


def _with_values(stats: Stats) -> Stats:
    """Without the columns that have no value: TFDV cannot type them."""
    data = stats.datasets[0]
    typed = [feature for feature in data.features if common_of(feature).num_non_missing]
    del data.features[:]
    data.features.extend(typed)
    return stats


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in batch.schema.names:
        return pa.chunked_array([pa.nulls(batch.num_rows, field.type)])
    values = pa.chunked_array([batch.column(field.name)])
    return values if pa.types.is_dictionary(values.type) else values.cast(field.type)
