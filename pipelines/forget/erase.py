"""Takes a shopper out of the artifacts whose rule is to be erased at once; whole files are replaced in one step."""

import os
import shutil
import time
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from model.data import columns as c
from model.errors import InputError, StageFailed
from model.request_log.reader import JOURNAL, PARQUET, read
from model.request_log.routing_headers import APART
from model.serving.history.generations import CURRENT, DATA
from model.serving.history.store import HistoryStore
from model.serving.request_log.spool import adopt_journals
from model.system import object_store
from pipelines.forget.retention import PLACES, Rule, place_of
from pipelines.forget.scan import id_hash

KIND, KEY, USER_KIND = "kind", "id", "user"
"""Columns of the monitor's table of first events, which has items and stores as well."""


def from_store(store: HistoryStore, user_id: str) -> bool:
    """Deletes the shopper, and what the deletion left in the files. True when there was something to delete."""
    deleted = store.delete(user_id)
    store.compact()
    return deleted


def stores_below(run: Path) -> list[Path]:
    """Directories of embedded stores in a run."""
    return sorted({path.parent for name in (CURRENT, DATA) for path in run.rglob(f"store/{name}")})


def from_run(run: Path, user_id: str) -> dict[str, int]:
    """{path relative to the run: rows that were taken out} of every table under the rule ERASED."""
    erased = {}
    for file in sorted(run.rglob(f"*{PARQUET}")):
        path = PurePosixPath(file.relative_to(run).as_posix())
        if place_of(path).rule is Rule.ERASED and (rows := _from_table(file, user_id)):
            erased[path.as_posix()] = rows
    return erased


def from_log(place: str, user_id: str) -> int:
    """Rows that were taken out of a request log: a directory, or s3://bucket/path.

    Raises:
        InputError: there is no such place.
        StageFailed: a running server still has rows in a journal, which becomes a file within a minute.
    """
    if object_store.is_url(place):
        store, paths = object_store.files(place)
        return sum(_from_stored(store, path, user_id) for path in paths if path.endswith(PARQUET))
    directory = Path(place)
    if not directory.is_dir():
        raise InputError(f"request log: expected a directory at {directory}, found none")
    adopt_journals(directory)
    rows = sum(_from_table(file, user_id) for file in sorted(directory.glob(f"*{PARQUET}")))
    if open_journals := sorted(directory.glob(f"*{JOURNAL}")):
        raise StageFailed(
            f"{directory}: {len(open_journals)} journals are written to by running servers; forget again once they are "
            "files (--log-roll-s), or stop the servers first"
        )
    return rows


def rows_in_log(place: str, user_id: str) -> int:
    """Rows of the shopper in a request log, journals included. Raises InputError where there is no such place."""
    users = read(place, columns=[c.USER], also=APART)[c.USER]
    return int(pc.sum(_is(users, user_id)).as_py() or 0)


def expire(run: Path) -> list[str]:
    """Deletes the artifacts of a run whose days are over; returns their paths relative to the run."""
    gone = []
    for place in (place for place in PLACES if place.rule is Rule.EXPIRES):
        for pattern in place.patterns:
            for directory in sorted(run.glob(pattern.removesuffix("/*"))):
                files = [path for path in directory.rglob("*") if path.is_file()]
                if files and not any(place.may_hold(file) for file in files):
                    shutil.rmtree(directory)
                    gone.append(directory.relative_to(run).as_posix())
    return gone


def _from_stored(store: fs.FileSystem, path: str, user_id: str) -> int:
    with store.open_input_file(path) as source:
        table = pq.read_table(source)
    rest = _others(table, user_id)
    if len(rest) < len(table):
        if len(rest):
            with store.open_output_stream(path) as out:
                pq.write_table(rest, out, compression="zstd")
        else:
            store.delete_file(path)
    return len(table) - len(rest)


def _from_table(file: Path, user_id: str) -> int:
    """Rows of the shopper that the file had. Its time of last change stays, which other rules count from."""
    table = pq.read_table(file)
    rest = _others(table, user_id)
    if len(rest) < len(table):
        status, fresh = file.stat(), file.with_name(f".{file.name}.{time.time_ns()}")
        pq.write_table(rest, fresh, compression="zstd")
        os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(fresh, file)
    return len(table) - len(rest)


def _others(table: pa.Table, user_id: str) -> pa.Table:
    """The rows of other shoppers."""
    if {KIND, KEY} <= set(table.column_names):
        return table.filter(pc.invert(pc.and_(_is(table[KIND], USER_KIND), _is(table[KEY], user_id))))
    if c.USER not in table.column_names:
        return table
    column = table[c.USER]
    if pa.types.is_uint64(column.type):
        return table.filter(pc.not_equal(column, pa.scalar(id_hash(user_id), pa.uint64())))
    return table.filter(pc.invert(_is(column, user_id)))


def _is(column: pa.ChunkedArray, text: str) -> pa.ChunkedArray:
    """Whether each is this text; a null is not."""
    return pc.fill_null(pc.equal(pc.cast(column, pa.string()), text), False)
