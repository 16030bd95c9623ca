"""Finished files of the request log that wait in their directory until another process takes them away."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.request_log.reader import JOURNAL, PARQUET

MEGABYTE = 1_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Waiting:
    """One file. The oldest comes first in order."""

    finished_s: float
    """Unix seconds, by the clock of this machine; stays as it is for as long as the file is here."""
    path: Path
    size: int
    """Bytes."""


def waiting(directory: Path) -> list[Waiting]:
    """The finished files, oldest first. One whose journal is still there is not finished: it may be written again."""
    files_waiting = []
    for path in directory.glob(f"*{PARQUET}"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # another process took it
        if not path.with_suffix(JOURNAL).exists():
            files_waiting.append(Waiting(status.st_mtime, path, status.st_size))
    return sorted(files_waiting)


def oldest_age_s(directory: Path) -> float:
    """Seconds that the oldest file waits; 0 when none does."""
    files_waiting = waiting(directory)
    return max(time.time() - files_waiting[0].finished_s, 0.0) if files_waiting else 0.0


def keep_at_most(directory: Path, megabytes: float) -> int:
    """Deletes the oldest finished files until the whole directory takes no more; returns how many rows were in them."""
    files_waiting = waiting(directory)
    left, rows, files = _size(directory) - megabytes * MEGABYTE, 0, 0
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


def _size(directory: Path) -> int:
    total = 0
    for path in directory.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return 0
