"""One file of the request log while rows come in: JSON lines under a lock, then Parquet under the same name."""

import fcntl
import logging
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.request_log.reader import PARQUET, parsed

_log = logging.getLogger(__name__)


class Journal:
    """An append-only file of whole lines, locked for as long as its process lives. Raises OSError."""

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


def hold(directory: Path) -> int:
    """Marks the directory as written to by this process, until the handle is closed, or the process has ended."""
    handle = os.open(directory, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def is_held(directory: Path) -> bool:
    """Whether any process writes to the directory."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def adopt(journal: Path) -> None:
    """Finishes a journal whose process is gone, which is when no process holds its lock."""
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
