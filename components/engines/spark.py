"""Spark as an engine: a local one by default; a cluster's through Spark Connect, or when spark-submit started this
process (docs: machines)."""

import os
import socket
import tomllib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ibis
import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.types import IntegerColumn, Table, TimestampColumn
from ibis.util import gen_name

from components.engines.csv_format import CsvFormat
from components.engines.engine import one_line, readable
from model.errors import InputError
from tfx_configs.settings import DataSettings

ANSWER_S = 5.0
_LOG = "spark.log"
_SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""Set by spark-submit, which has started the JVM that the session lives in."""
_JAVA_NAMES = {"utf-8-sig": "UTF-8", "cp1252": "windows-1252", "latin-1": "ISO-8859-1"}
"""Encodings that Java calls otherwise than Python."""


class Spark:
    """See components.engines.engine.Engine."""

    def __init__(self, data: DataSettings, scratch: Path) -> None:
        try:
            from py4j.protocol import Py4JError
            from pyspark.errors import PySparkException
        except ImportError:
            raise InputError("engine spark: expected the package pyspark, not installed; add the extra spark") from None
        self.failures: tuple[type[Exception], ...] = (Py4JError, PySparkException)
        try:
            self._session = _remote_session(data, scratch) if data.spark_remote else _session(data, scratch)
        except PySparkException as error:
            if data.spark_remote:
                raise InputError(f"data.spark_remote: {one_line(error)[:200]}") from error
            words = (scratch / _LOG).read_text(errors="replace").split("\n")
            reason = next((line for line in reversed(words) if line.strip()), str(error))
            raise InputError(f"engine spark: expected Java 17 to start, got {reason.strip()[:160]!r}") from error
        # A damaged file: the error itself follows, with more detail.
        warnings.filterwarnings("ignore", "toPandas attempted Arrow optimization", UserWarning)
        self._backend = ibis.pyspark.connect(self._session)

    def read_parquet(self, path: Path) -> Table:
        from pyspark.sql import functions

        with readable(path, "Parquet"):
            frame, finer = self._session.read.parquet(str(path)), _nanoseconds(path)

            def in_micros(name: str, kind: str, column: Any) -> Any:
                if name not in finer or kind != "bigint":
                    return column
                return functions.timestamp_micros(functions.call_function("div", column, functions.lit(1000)))

            return self._view(_each_column(frame, in_micros))

    def read_csv(self, path: Path, form: CsvFormat) -> Table:
        from pyspark.sql.types import StringType, StructField, StructType

        with readable(path, "CSV"):
            frame = self._session.read.csv(
                str(path),
                schema=StructType([StructField(name, StringType()) for name in form.names]),
                header=True,
                enforceSchema=True,
                sep=form.delimiter,
                quote=form.quote,
                escape=form.escape,
                encoding=_JAVA_NAMES.get(form.encoding, form.encoding),
                multiLine=True,
                maxCharsPerColumn=-1,
            )
            return self._view(frame)

    def read_text(self, path: Path, separator: str, names: Sequence[str]) -> Table:
        with readable(path, "text"):
            return self._backend.read_csv(
                path,
                header=False,
                inferSchema=False,
                schema=", ".join(f"`{name}` string" for name in names),
                sep=separator,
                quote="",
                escape="",
                encoding="ISO-8859-1",
            )

    def moment(self, micros: IntegerColumn) -> TimestampColumn:
        return _timestamp_micros(micros).cast("timestamp(6)")

    def table(self, rows: pd.DataFrame) -> Table:
        return self._view(self._session.createDataFrame(rows))

    def write(self, table: Table, path: Path, order_by: Sequence[str], partition_by: str | None = None) -> None:
        def without_zone(name: str, kind: str, column: Any) -> Any:
            """An instant, shown in UTC; stored without a zone, as DuckDB does."""
            return column.cast("timestamp_ntz") if kind == "timestamp" else column

        frame = _each_column(self._frame(table.order_by(order_by) if order_by else table), without_zone)
        writer = frame.write if partition_by is None else frame.write.partitionBy(partition_by)
        writer.parquet(str(path))

    def hold(self, table: Table) -> Table:
        return self._view(self._frame(table).persist())

    def drop(self, *held: Table) -> None:
        for table in held:
            self._session.table(table.get_name()).unpersist()
            self._session.catalog.dropTempView(table.get_name())

    def split(self, table: Table, by: str) -> Sequence[Table]:
        from pyspark import StorageLevel

        rows = self._view(self._frame(table).repartition(by).persist(StorageLevel.DISK_ONLY))
        values = sorted(rows.select(by).distinct().to_pandas()[by])
        return [rows.filter(rows[by] == int(value)) for value in values]

    def close(self) -> None:
        self._backend.disconnect()

    def _frame(self, table: Table) -> Any:
        floating = {name for name, kind in table.schema().items() if kind.is_floating()}

        def in_doubles(name: str, kind: str, column: Any) -> Any:
            """Spark takes a literal 1.0 for a decimal."""
            return column.cast("double") if name in floating else column

        return _each_column(self._session.sql(self._backend.compile(table)), in_doubles)

    def _view(self, frame: Any) -> Table:
        name = gen_name("view")
        frame.createTempView(name)
        return self._backend.table(name)


def _each_column(frame: Any, change: Callable[[str, str, Any], Any]) -> Any:
    """The frame with `change(name, type, column)` in place of each column; by place, since names may hold anything."""
    places = frame.toDF(*(f"column_{i}" for i in range(len(frame.columns))))
    columns = [change(name, kind, places[f"column_{i}"]) for i, (name, kind) in enumerate(frame.dtypes)]
    return places.select(*columns).toDF(*frame.columns)


@ibis.udf.scalar.builtin(name="timestamp_micros", signature=((dt.int64,), dt.Timestamp(timezone="UTC")))
def _timestamp_micros(micros: IntegerColumn) -> Any: ...


def _nanoseconds(path: Path) -> set[str]:
    """Columns stored in nanoseconds (what pandas writes), which Spark reads as integers."""
    file = path if path.is_file() else next(path.rglob("*.parquet"))
    stamps = [field for field in pq.read_schema(file) if pa.types.is_timestamp(field.type)]
    return {field.name for field in stamps if field.type.unit == "ns"}


def _session(data: DataSettings, scratch: Path) -> Any:
    """A session whose JVM talks to a file, not to our terminal. One JVM a process; it ends with the process."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    (scratch / "log4j2.properties").write_text("rootLogger.level = off\n")
    conf = SparkConf().setAll(list(_options(data, scratch).items()))
    with (scratch / _LOG).open("w") as log:
        gateway = None if SparkContext._gateway else launch_gateway(conf, {"stdout": log, "stderr": log})
        return SparkSession(SparkContext(conf=conf, gateway=gateway))


def _remote_session(data: DataSettings, scratch: Path) -> Any:
    """A session on a Spark Connect server; what only a server's start can set has to be set there."""
    from pyspark.sql import SparkSession

    parts = urlsplit(data.spark_remote)
    try:
        if parts.scheme != "sc" or not parts.hostname:
            raise ValueError("no such address")
        socket.create_connection((parts.hostname, parts.port or 15002), timeout=ANSWER_S).close()
    except (OSError, ValueError) as error:  # Spark would try again for ten minutes
        raise InputError(
            f"data.spark_remote: expected a Spark Connect server at sc://HOST:15002, got {data.spark_remote} "
            f"({getattr(error, 'strerror', None) or error}); start it, or name another"
        ) from None
    session = SparkSession.builder.remote(data.spark_remote).create()
    for name, text in _options(data, scratch).items():
        if session.conf.isModifiable(name):
            session.conf.set(name, text)
    return session


def _options(data: DataSettings, scratch: Path) -> dict[str, str]:
    """Those of spark.toml; those of our own local Spark are left out where spark-submit has set them."""
    options = tomllib.loads(Path(__file__).with_name("spark.toml").read_text(encoding="utf-8"))
    is_local = _SUBMITTED not in os.environ and not data.spark_remote
    chosen = options["local"] | options["always"] if is_local else options["always"]
    memory_mb = int(data.memory_gb * 1024)
    return {
        name: text.format(master=data.spark_master, memory_mb=memory_mb, scratch=scratch)
        for name, text in chosen.items()
    }
