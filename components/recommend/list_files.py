"""The files of lists in bulk: one Parquet file with a row a shopper, and rows of the request log. Both appear whole, at
the end, in a directory or an object store."""

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from model.errors import StageFailed
from model.files import atomic_file
from model.request_log.reader import PARQUET, SCHEMA
from model.serving.request_log.spool import file_stem
from model.system import object_store

LIST_COLUMNS = ("request_id", "version", "user_id", "time_s", "state", "rung", "item_ids", "scores", "reasons")
NEW_COLUMNS = ("new_item_ids", "new_scores", "new_reasons")
"""Those of the request log (model/request_log/reader.py), with the same meaning."""
ROWS = 4096
"""Of one row group: as many wait in memory."""


class ListFile(AbstractContextManager["ListFile"]):
    """A Parquet file that is written piece by piece.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with ListFile(Path(folder) / "ids.parquet", pa.schema([("user_id", pa.string())])) as file:
        ...         file.write(pa.table({"user_id": ["ann"]}))
        ...     pq.read_table(file.path)["user_id"].to_pylist()
        ['ann']
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self._schema = path, schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def write(self, rows: pa.Table) -> None:
        """Adds the rows; columns that the schema does not have are left out."""
        self._waiting.append(rows.select(self._schema.names))
        if sum(map(len, self._waiting)) >= ROWS:
            self._flush()

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).cast(self._schema))
            self._waiting = []


def list_schema(k_new: int, version: str, as_of: str) -> pa.Schema:
    """Of the lists; model and moment are also in the file's own metadata."""
    names = (*LIST_COLUMNS, *(NEW_COLUMNS if k_new else ()))
    return pa.schema([SCHEMA.field(name) for name in names], {"model_version": version, "as_of": as_of})


def log_place(log: str, version: str) -> str:
    """Where the log's file goes: in a directory, or below the day in an object store, as a server's shipper does it."""
    name = f"{file_stem(version, time.time_ns())}{PARQUET}"
    if object_store.is_url(log):
        return f"{log.rstrip('/')}/{datetime.now(UTC).date()}/{socket.gethostname()}-{name}"
    return str(Path(log) / name)


@contextmanager
def published(place: str) -> Iterator[Path]:
    """Yields a local file that is at `place`, a path or s3://bucket/path, when the block ends without an error.

    Raises StageFailed where the object store refuses it.
    """
    if not object_store.is_url(place):
        with atomic_file(Path(place)) as fresh:
            yield fresh
        return
    store, path = object_store.open_url(place)
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "file"
        yield local
        try:
            fs.copy_files(str(local), path, fs.LocalFileSystem(), store)
        except OSError as error:
            raise StageFailed(f"{place}: cannot be written ({object_store.reason(error)})") from None
