"""The two engines that the same Ibis expressions run on. Nothing else knows which of them is at work.

DuckDB is one process and spills to disk; Spark is the way out when one machine is too small.
"""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.types import Table
from ibis.util import gen_name

from model.errors import InputError
from tfx_configs.settings import DataSettings


class Engine(Protocol):
    """Reads files as lazy tables and writes tables as Parquet. `failures` are the errors of a query that broke off."""

    failures: tuple[type[Exception], ...]

    def read_parquet(self, path: Path) -> Table:
        """One file, or all files below a directory; nanoseconds are cut to microseconds. Raises InputError."""
        ...

    def read_csv(self, path: Path, typed: Sequence[str]) -> Table:
        """A file with a header. Columns not in `typed` stay text: "007" is no number. Raises InputError."""
        ...

    def read_text(self, path: Path, separator: str, names: Sequence[str]) -> Table:
        """A Latin-1 file without header, quotes or escapes; all columns are text, those a line lacks are null.

        Raises InputError.
        """
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
        """The same rows, computed once at most and kept until the engine closes."""
        ...

    def close(self) -> None: ...


@contextmanager
def open_engine(data: DataSettings) -> Iterator[Engine]:
    """The engine that `data.engine` names, within `data.memory_gb`; what it spills is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aisle-engine-") as scratch:
        engine: Engine
        if data.engine == "spark":
            from components.engines.spark import Spark

            engine = Spark(data, Path(scratch))
        else:
            engine = _DuckDB(data, scratch)
        try:
            yield engine
        finally:
            engine.close()


class _DuckDB:
    def __init__(self, data: DataSettings, scratch: str) -> None:
        import duckdb

        self.failures: tuple[type[Exception], ...] = (duckdb.Error,)
        self._backend = ibis.duckdb.connect(
            memory_limit=f"{data.memory_gb}GB", temp_directory=scratch, preserve_insertion_order=False
        )
        self._backend.raw_sql("SET TimeZone = 'UTC'")

    def read_parquet(self, path: Path) -> Table:
        with readable(path, "Parquet"):
            rows = self._backend.read_parquet(f"{path}/**/*.parquet" if path.is_dir() else path)
            cut = ", ".join(f'make_timestamp(epoch_ns("{n}") // 1000) AS "{n}"' for n in nanoseconds(path))
            if not cut:
                return rows
            view = gen_name("view")
            self._backend.raw_sql(f'CREATE TEMP VIEW "{view}" AS SELECT * REPLACE ({cut}) FROM "{rows.get_name()}"')
            return self._backend.table(view)

    def read_csv(self, path: Path, typed: Sequence[str]) -> Table:
        with readable(path, "CSV"):
            with path.open(encoding="utf-8-sig", newline="") as lines:
                text = {name: "VARCHAR" for name in next(csv.reader(lines), []) if name not in typed}
            return self._backend.read_csv(path, header=True, types=text)

    def read_text(self, path: Path, separator: str, names: Sequence[str]) -> Table:
        columns = dict.fromkeys(names, "VARCHAR")
        with readable(path, "text"):
            return self._backend.read_csv(
                path,
                header=False,
                sep=separator,
                quote="",
                escape="",
                encoding="latin-1",
                columns=columns,
                null_padding=True,
            )

    def table(self, rows: pd.DataFrame) -> Table:
        name = gen_name("rows")
        self._backend.con.register(name, rows)
        return self._backend.table(name)

    def write(self, table: Table, path: Path, order_by: Sequence[str], partition_by: str | None = None) -> None:
        options = {} if partition_by is None else {"partition_by": partition_by}
        self._backend.to_parquet(table.order_by(order_by) if order_by else table, path, **options)

    def hold(self, table: Table) -> Table:
        return self._backend.create_table(gen_name("held"), table, temp=True)

    def close(self) -> None:
        self._backend.disconnect()


def one_line(error: Exception) -> str:
    """The error's message without line breaks."""
    return " ".join(str(error).split())


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Turns any error of an engine about a file it cannot read into one InputError."""
    try:
        yield
    except Exception as error:  # each engine has errors of its own for unreadable files
        reason = one_line(error)[:160]
        raise InputError(f"{path}: expected a readable {kind} file ({reason}); write it again") from error


def nanoseconds(path: Path) -> list[str]:
    """Columns stored in nanoseconds (what pandas writes). Engines take them for other things, or round them up."""
    file = path if path.is_file() else next(path.rglob("*.parquet"))
    stamps = [field for field in pq.read_schema(file) if pa.types.is_timestamp(field.type)]
    return [field.name for field in stamps if field.type.unit == "ns"]
