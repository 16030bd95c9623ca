"""DuckDB as an engine: one process, which spills to disk.

It is confined to the directories of the stage, and to what the links in them name.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandas as pd
import sqlglot
from ibis.expr.types import IntegerColumn, Table, TimestampColumn
from ibis.util import gen_name

from components.engines.csv_format import CsvFormat
from components.engines.engine import readable, whole_micros
from tfx_configs.settings import DataSettings

COUNTED = 0.85
"""Share of its memory that DuckDB may count: what it does not count, and Python, come on top."""


class DuckDB:
    """See components.engines.engine.Engine."""

    def __init__(self, data: DataSettings, scratch: Path, folders: Sequence[Path]) -> None:
        import duckdb

        self.failures: tuple[type[Exception], ...] = (duckdb.Error,)
        self._scratch = scratch
        self._backend = ibis.duckdb.connect(
            memory_limit=f"{COUNTED * data.memory_gb}GB",
            temp_directory=str(scratch),
            preserve_insertion_order=False,
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
        )
        linked = [
            path.resolve() for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_symlink()
        ]
        allowed = [folder.absolute() for folder in (scratch, *folders)] + [path for path in linked if path.is_dir()]
        self._backend.con.execute("SET allowed_directories = ?", [[str(path) for path in allowed]])
        self._backend.con.execute("SET allowed_paths = ?", [[str(path) for path in linked if path.is_file()]])
        # Else each `isin` of a projection becomes a join: minutes for a table of 300 columns.
        self._backend.settings["disabled_optimizers"] = "in_clause"
        self._backend.settings["enable_external_access"] = False
        self._backend.settings["lock_configuration"] = True

    def read_parquet(self, path: Path) -> Table:
        with readable(path, "Parquet"):
            files = f"{path.absolute()}/**/*.parquet" if path.is_dir() else path.absolute()
            rows = self._backend.read_parquet(files, binary_as_string=True)
            finer = [name for name, kind in rows.schema().items() if _in_nanoseconds(kind)]
            return rows.mutate(**{name: self.moment(whole_micros(_epoch_ns(rows[name]))) for name in finer})

    def read_csv(self, path: Path, form: CsvFormat) -> Table:
        with readable(path, "CSV"):
            return self._backend.read_csv(
                self._in_utf8(path, form.encoding),
                header=True,
                sep=form.delimiter,
                quote=form.quote,
                escape=form.escape,
                columns=dict.fromkeys(form.names, "VARCHAR"),
            )

    def read_text(self, path: Path, separator: str, names: Sequence[str]) -> Table:
        columns = dict.fromkeys(names, "VARCHAR")
        with readable(path, "text"):
            return self._backend.read_csv(
                path.absolute(),
                header=False,
                sep=separator,
                quote="",
                escape="",
                encoding="latin-1",
                columns=columns,
                null_padding=True,
            )

    def moment(self, micros: IntegerColumn) -> TimestampColumn:
        return _make_timestamp(micros)

    def table(self, rows: pd.DataFrame) -> Table:
        name = gen_name("rows")
        self._backend.con.register(name, rows)
        return self._backend.table(name)

    def write(self, table: Table, path: Path, order_by: Sequence[str], partition_by: str | None = None) -> None:
        options = {} if partition_by is None else {"partition_by": partition_by}
        self._backend.to_parquet(table.order_by(order_by) if order_by else table, path.absolute(), **options)

    def hold(self, table: Table) -> Table:
        return self._backend.create_table(gen_name("held"), table, temp=True)

    def drop(self, *held: Table) -> None:
        for table in held:
            # Ibis 12 has this for tables that are not temporary, and not with the sqlglot of today.
            name = sqlglot.table(table.op().name, quoted=True)
            self._backend.con.execute(sqlglot.expressions.Drop(kind="TABLE", tables=[name]).sql("duckdb"))

    def split(self, table: Table, by: str) -> Sequence[Table]:
        folder = self._scratch / gen_name("split")
        self.write(table, folder, (), by)
        parts = sorted(folder.iterdir(), key=lambda part: int(part.name.partition("=")[2]))
        return [self.read_parquet(part) for part in parts]

    def close(self) -> None:
        self._backend.disconnect()

    def _in_utf8(self, path: Path, encoding: str) -> Path:
        """The file, or a copy of it in UTF-8: DuckDB itself knows few encodings without an extension."""
        if encoding in ("utf-8", "utf-8-sig"):
            return path.absolute()
        copy = self._scratch / gen_name("utf8")
        with path.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(source, target)
        return copy


def _in_nanoseconds(kind: dt.DataType) -> bool:
    """Ibis has no name for the type with a zone."""
    return "TIMESTAMPTZ_NS" in str(kind) or (isinstance(kind, dt.Timestamp) and kind.scale == 9)


@ibis.udf.scalar.builtin(name="epoch_ns")
def _epoch_ns(moment) -> int:  # type: ignore[no-untyped-def, empty-body]  # any type, for Ibis
    """Nanoseconds since 1970 UTC, with or without a zone."""


@ibis.udf.scalar.builtin(name="make_timestamp", signature=((dt.int64,), dt.Timestamp(scale=6)))
def _make_timestamp(micros: IntegerColumn) -> Any: ...
