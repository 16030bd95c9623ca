"""The two engines that the same Ibis expressions run on. Nothing else knows which of them is at work.

DuckDB is one process and spills to disk; Spark is the way out when one machine is too small.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pandas as pd
from ibis.expr.types import IntegerColumn, Table, TimestampColumn

from components.engines.csv_format import CsvFormat
from model.errors import InputError
from tfx_configs.settings import DataSettings


class Engine(Protocol):
    """Reads files as lazy tables and writes tables as Parquet. `failures` are the errors of a query that broke off."""

    failures: tuple[type[Exception], ...]

    def read_parquet(self, path: Path) -> Table:
        """One file, or all files below a directory; nanoseconds are cut to microseconds. Raises InputError."""
        ...

    def read_csv(self, path: Path, form: CsvFormat) -> Table:
        """A file with a header; all columns are text, without a value where nothing is written. Raises InputError."""
        ...

    def read_text(self, path: Path, separator: str, names: Sequence[str]) -> Table:
        """A Latin-1 file without header, quotes or escapes; all columns are text, those a line lacks are null.

        Raises InputError.
        """
        ...

    def moment(self, micros: IntegerColumn) -> TimestampColumn:
        """The timestamps of unix microseconds."""
        ...

    def table(self, rows: pd.DataFrame) -> Table:
        """Rows in memory as a table of the engine."""
        ...

    def write(self, table: Table, path: Path, order_by: Sequence[str], partition_by: str | None = None) -> None:
        """Writes Parquet at `path`: a file, or a directory of parts. Times are stored without a zone.

        With an empty `order_by` the rows stay in the order of the table.
        """
        ...

    def hold(self, table: Table) -> Table:
        """The same rows, computed once at most and kept until they are dropped or the engine closes."""
        ...

    def drop(self, *held: Table) -> None:
        """Frees what `hold` returned."""
        ...

    def split(self, table: Table, by: str) -> Sequence[Table]:
        """The rows of each value of the integer column `by`, ascending, computed once and kept outside of memory."""
        ...

    def close(self) -> None: ...


@contextmanager
def open_engine(data: DataSettings, *folders: Path) -> Iterator[Engine]:
    """The engine that `data.engine` names, within `data.memory_gb`; what it spills is gone afterwards.

    Args:
        folders: the directories that DuckDB may read and write; it opens no other file.
    """
    with tempfile.TemporaryDirectory(prefix="aisle-engine-") as scratch:
        engine: Engine
        if data.engine == "spark":
            from components.engines.spark import Spark

            engine = Spark(data, Path(scratch))
        else:
            from components.engines.duck import DuckDB

            engine = DuckDB(data, Path(scratch), folders)
        try:
            yield engine
        finally:
            engine.close()


def whole_micros(nanoseconds: IntegerColumn) -> IntegerColumn:
    """Whole microseconds. Ibis divides integers as doubles, which are too coarse: the rest is taken off before."""
    return ((nanoseconds - nanoseconds % 1000) / 1000).round().cast("int64")


def one_line(error: Exception) -> str:
    """The error's message without line breaks."""
    return " ".join(str(error).split())


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Turns any error of an engine about a file it cannot read into one InputError, without the engine's own words."""
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{path}: expected a file that may be read, got {error.strerror}; change its mode") from error
    except Exception as error:  # each engine has errors of its own for unreadable files
        size = path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.rglob("*.parquet"))
        raise InputError(
            f"{path}: expected a readable {kind} file, got {size:,} bytes that are none or are damaged; write it again"
        ) from error
