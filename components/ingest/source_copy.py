"""Sources that are no directory of files: an S3 bucket, a PostgreSQL schema, Delta Lake and Iceberg tables.

Their tables are copied to a scratch directory as Parquet, batch by batch, before an engine reads them: DuckDB and Spark
then see one kind of source, and need neither network nor extensions. The copy is deleted with the run.
"""

import gzip
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq

from components.kfp_support.progress import progress
from model.data.schema import EVENTS, TABLES
from model.errors import InputError
from model.files import combined_digest
from model.system import object_store

if TYPE_CHECKING:
    import ibis

POSTGRES = ("postgresql", "postgres")
BATCH = 100_000
"""Rows of a batch that is copied."""
LOCAL = fs.LocalFileSystem()


def is_remote(path: str) -> bool:
    """Whether the source is an address and not a directory of this machine."""
    return object_store.is_url(path) or urlsplit(path).scheme in POSTGRES


def remote_version(url: str) -> str:
    """What changes when the source does: of a bucket its files, sizes and times; of a database each moment."""
    if not object_store.is_url(url):
        return f"read at {time.time():.6f}"
    store, paths = object_store.files(url)
    return combined_digest({info.path: f"{info.size} {info.mtime_ns}" for info in store.get_file_info(paths)})[:16]


@contextmanager
def local_directory(path: str) -> Iterator[Path]:
    """The directory that holds the source's tables as files.

    Args:
        path: a directory; `s3://bucket/path` (address and keys as in model/system/object_store.py); or
            `postgresql://user@host:port/database?schema=shop`, its password in PGPASSWORD or the password file.

    Raises:
        InputError: no server answers, the address holds nothing, or a table cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="aisle-source-") as scratch:
        if object_store.is_url(path):
            folder = _from_bucket(path, Path(scratch) / "bucket")
        elif is_remote(path):
            folder = _from_postgres(path, Path(scratch) / "database")
        elif "://" in path:
            raise InputError(
                f"expected a directory, s3://bucket/path or postgresql://user@host/database, got {path!r:.100}"
            )
        else:
            folder = Path(path)
        yield _as_files(folder, Path(scratch) / "tables")


def _from_bucket(url: str, folder: Path) -> Path:
    store, paths = object_store.files(url)
    if not paths:
        raise InputError(f"{url}: expected events.parquet and items.parquet there, found no file; correct the address")
    progress(f"copies {len(paths):,} files from {url}")
    root = object_store.open_url(url)[1]
    for path in paths:
        name = Path(path).relative_to(root)
        if ".." in name.parts:
            raise InputError(f"{url}: expected names below that address, got {path!r:.200}; rename or move the object")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            fs.copy_files(path, str(folder / name), source_filesystem=store, destination_filesystem=LOCAL)
        except OSError as error:
            raise object_store.unreadable(url, error) from None
    return folder


def _from_postgres(url: str, folder: Path) -> Path:
    """Each of our tables that the schema has, under its name; other tables are not read."""
    import ibis
    import psycopg

    parts = urlsplit(url)
    if parts.password or "password" in parse_qs(parts.query):
        raise InputError("expected an address without a password, which settings would record; set PGPASSWORD instead")
    schema = parse_qs(parts.query).get("schema", ["public"])[0]
    shown = f"{parts.hostname or 'localhost'}{parts.path}, schema {schema}"
    folder.mkdir()
    try:
        database = ibis.postgres.connect(
            host=parts.hostname,
            port=parts.port or 5432,
            user=parts.username,
            database=parts.path.strip("/") or None,
            connect_timeout=10,
            options="-c default_transaction_read_only=on -c timezone=UTC",
        )
        there = set(database.list_tables(database=schema))
        for table in TABLES:
            if table.name in there:
                progress(f"copies {table.name} from {shown}")
                rows = _plain(database.table(table.name, database=schema))
                _write(rows.to_pyarrow_batches(chunk_size=BATCH), folder / f"{table.name}.parquet")
        database.disconnect()
    except (psycopg.Error, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{shown}: expected a readable database ({reason}); check address and rights") from None
    if EVENTS.name not in there:
        tables = ", ".join(sorted(there)[:20]) or "no table"
        raise InputError(f"{shown}: expected a table or view {EVENTS.name}, found {tables}; make a view with that name")
    return folder


def _plain(rows: "ibis.Table") -> "ibis.Table":
    """Exact numbers as floats, and what is neither number, text, time nor truth as text: Parquet has no such types."""
    import ibis.expr.datatypes as dt

    plain = (dt.Integer, dt.Floating, dt.String, dt.Boolean, dt.Timestamp, dt.Date)
    columns = {}
    for name in rows.columns:
        kind = rows[name].type()
        if isinstance(kind, dt.Decimal):
            columns[name] = rows[name].cast("float64")
        else:
            columns[name] = rows[name] if isinstance(kind, plain) else rows[name].cast("string")
    return rows.select(**columns)


def _as_files(folder: Path, scratch: Path) -> Path:
    """The same directory, or one with a lake's tables as Parquet, packed files unpacked, and links to the rest."""
    lakes = {table.name: kind for table in TABLES if (kind := _lake_format(folder / table.name))}
    packed = [path for path in folder.glob("*.gz") if path.name.partition(".")[0] in {table.name for table in TABLES}]
    if not lakes and not packed:
        return folder
    scratch.mkdir()
    for path in folder.iterdir():
        if path.name not in lakes and path not in packed:
            (scratch / path.name).symlink_to(path.resolve())
    for path in packed:
        progress(f"unpacks {path.name}")
        _unpack(path, scratch / path.stem)
    for name, kind in lakes.items():
        progress(f"reads {name}, a table of {kind}")
        read = _delta_batches if kind == "Delta Lake" else _iceberg_batches
        try:
            _write(read(folder / name), scratch / f"{name}.parquet")
        except ImportError:
            raise InputError(
                f"{folder / name}: expected the packages that read {kind}, not installed; add the extra `lake`"
            ) from None
        except Exception as error:  # both libraries have errors of their own for unreadable tables
            raise InputError(
                f"{folder / name}: expected a readable table of {kind}, got one whose log or files are missing or "
                "damaged; write it again"
            ) from error
    return scratch


def _unpack(path: Path, target: Path) -> None:
    if target.is_symlink():
        raise InputError(f"{path.parent}: expected one file for a table, got {target.name} and {path.name}; remove one")
    try:
        with gzip.open(path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: expected a readable gzip file, got one that is none or is damaged; write it again"
        ) from error


def _lake_format(path: Path) -> str:
    if (path / "_delta_log").is_dir():
        return "Delta Lake"
    return "Iceberg" if any((path / "metadata").glob("*.metadata.json")) else ""


def _delta_batches(path: Path) -> pa.RecordBatchReader:
    from deltalake import DeltaTable

    return pa.RecordBatchReader.from_stream(DeltaTable(path).to_pyarrow_dataset().scanner(batch_size=BATCH).to_reader())


def _iceberg_batches(path: Path) -> pa.RecordBatchReader:
    """The current snapshot: that of the newest metadata file, by the number its name begins with."""
    from pyiceberg.table import StaticTable

    newest = max((path / "metadata").glob("*.metadata.json"), key=lambda file: (_number(file.name), file.name))
    return StaticTable.from_metadata(str(newest)).scan().to_arrow_batch_reader()


def _number(name: str) -> int:
    number = re.match(r"v?(\d+)", name)
    return int(number[1]) if number else -1


def _write(batches: pa.RecordBatchReader, path: Path) -> None:
    with pq.ParquetWriter(path, batches.schema) as out:
        for batch in batches:
            out.write_batch(batch)
