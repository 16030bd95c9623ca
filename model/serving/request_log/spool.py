"""The files of the request log in their directory: JSON lines under a lock while rows come in, then Parquet under the
same name, which waits until another process takes it away."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from model.request_log.reader import JOURNAL, PARQUET, parsed

MEGABYTE = 1_000_000
_log = logging.getLogger(__name__)


def file_stem(version: str, started_ns: int, number: int = 1) -> str:
    """Of the `number`th file that this process writes for a version; no other process has it.

    Example:
        >>> file_stem("v1", 5).endswith("-5-000001")
        True
    """
    return f"{quote(version, safe='')}-{os.getpid()}-{started_ns}-{number:06d}"


class Journal:
    """An append-only file of whole lines, locked for as long as its process lives. Raises OSError.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     journal = Journal(Path(folder) / "v1-000001.journal")
        ...     journal.write(b'{"request_id": "r1", "version": "v1"}\\n')
        ...     journal.finish()
        ...     pq.read_table(journal.path.with_suffix(PARQUET))["request_id"].to_pylist()
        ['r1']
    """

    def __init__(self, path: Path) -> None:
        self.path, self.rows, self.opened = path, 0, time.monotonic()
        # Locked before it has its name, so that under that name it is never seen without the lock.
        fresh = path.with_suffix(".opening")
        self._file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        fresh.rename(path)
        self._size = 0

    def write(self, line: bytes) -> None:
        """All of it or nothing."""
        try:
            if os.write(self._file, line) < len(line):
                raise OSError("no space left for a whole line")
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self.rows += 1

    def finish(self) -> None:
        """Makes it Parquet and gives it up. Where that fails it stays as it is: it can be read, and adopted later."""
        try:
            _to_parquet(self.path)
        finally:
            os.close(self._file)


def adopt_journals(directory: Path) -> None:
    """Finishes the journals whose process is gone, which is when no process holds their lock."""
    for journal in sorted(directory.glob(f"*{JOURNAL}")):
        try:
            _adopt(journal)
        except OSError as error:
            log_unfinished(journal, error)


def log_unfinished(journal: Path, error: OSError) -> None:
    """It can be read as it is, and is adopted later."""
    _log.error("request log: %s stays a journal: %s", journal.name, error)


def _adopt(journal: Path) -> None:
    try:
        handle = os.open(journal, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _to_parquet(journal)
    except (BlockingIOError, FileNotFoundError):
        return
    finally:
        os.close(handle)


def _to_parquet(journal: Path) -> None:
    """The Parquet file takes the journal's place in one step."""
    try:
        rows = parsed(journal.read_bytes())
        if len(rows):
            fresh = journal.with_suffix(".finishing")
            pq.write_table(rows, fresh, compression="zstd")
            with fresh.open("rb") as written:
                os.fsync(written.fileno())
            fresh.rename(journal.with_suffix(PARQUET))
        journal.unlink()
    except pa.ArrowException as error:
        raise OSError(f"{journal}: not JSON lines of the request log ({error!s:.200})") from None


@dataclass(frozen=True, order=True)
class Waiting:
    """One file. The oldest comes first in order.

    Example:
        >>> Waiting(1.0, Path("late.parquet"), 10) > Waiting(0.5, Path("early.parquet"), 10)
        True
    """

    finished_s: float
    """Unix seconds, by the clock of this machine; stays as it is for as long as the file is here."""
    path: Path
    size: int
    """Bytes."""


def waiting(directory: Path) -> list[Waiting]:
    """The finished files, oldest first. One whose journal is still there is not finished: it may be written again."""
    return sorted(
        Waiting(status.st_mtime, path, status.st_size)
        for path, status in _statuses(directory, f"*{PARQUET}")
        if not path.with_suffix(JOURNAL).exists()
    )


def oldest_age_s(directory: Path) -> float:
    """Seconds that the oldest file waits; 0 when none does."""
    files_waiting = waiting(directory)
    return max(time.time() - files_waiting[0].finished_s, 0.0) if files_waiting else 0.0


def keep_at_most(directory: Path, megabytes: float) -> int:
    """Deletes the oldest finished files until the whole directory takes no more; returns how many rows were in them."""
    files_waiting = waiting(directory)
    size = sum(status.st_size for _, status in _statuses(directory, "*"))
    left, rows, files = size - megabytes * MEGABYTE, 0, 0
    for file in files_waiting:
        if left <= 0:
            break
        rows += _rows(file.path)
        file.path.unlink(missing_ok=True)
        left -= file.size
        files += 1
    if files:
        _log.error("request log: %d files (%d rows) were not taken away in time; dropped, oldest first", files, rows)
    return rows


def _statuses(directory: Path, pattern: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Files and what they are; those that another process takes meanwhile are left out."""
    for path in directory.glob(pattern):
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return 0
