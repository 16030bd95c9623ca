"""The directory of an embedded store: which of its files is the current one, and how a whole new one takes its place.

    STORE/current           the number of the current generation
    STORE/data.mdb          generation 0
    STORE/N/data.mdb        generation N, written from the records of the one before

LMDB never overwrites a page in place: what was deleted stays in the file until its page is used again. Only a new file
leaves it behind. Every transaction of every process reads `current` first, so none continues with the
old file; a copy is made under LMDB's own lock for writers, so none loses a write.
"""

import itertools
import os
import shutil
from pathlib import Path

import lmdb

from model.errors import StageFailed, StoreUnavailable
from model.files import write_text

CURRENT = "current"
DATA, LOCK = "data.mdb", "lock.mdb"
MAP_BYTES = 8 << 30
"""Ceiling of what a store holds (its file is sparse: it takes what it holds)."""
RESERVE = 64 << 20
"""Bytes that the file may grow beyond it, where nothing is appended: deleting needs room too."""
RECORDS = 5000
"""Written in one transaction."""
Mark = tuple[int, int]
"""Of the file CURRENT: another one has another mark."""


class Generation:
    """One open file of a store.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = Generation(Path(folder))
        ...     with first.env.begin(write=True) as transaction:
        ...         first.replace(transaction)
        ...     first.is_current(), Generation(Path(folder)).number
        (False, 1)
    """

    def __init__(self, directory: Path, map_bytes: int = MAP_BYTES) -> None:
        """Opens the current one, made where the directory has none.

        Raises StageFailed where that cannot be done, or the file is shorter than what was written to it.
        """
        self._directory, self._map_size = directory, map_bytes + RESERVE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not (directory / CURRENT).exists():
                write_text(directory / CURRENT, "0\n")
            while True:  # until none has taken the place of what is opened
                self._mark = _mark(directory)
                self.number = int((directory / CURRENT).read_text(encoding="utf-8"))
                self.path = directory / str(self.number) if self.number else directory
                try:
                    self.env = lmdb.open(str(self.path), map_size=self._map_size, metasync=False, max_readers=512)
                    self._identity = self._identify()
                except (lmdb.Error, FileNotFoundError):
                    if self.is_current():
                        raise
                    continue
                if self.is_current():
                    break
                self.env.close()
        except (lmdb.Error, OSError, ValueError) as error:
            raise StageFailed(f"store {directory}: cannot be opened ({error})") from None
        expected = (self.env.info()["last_pgno"] + 1) * self.env.stat()["psize"]
        if (size := (self.path / DATA).stat().st_size) < expected:
            self.env.close()
            raise StageFailed(
                f"store {directory}: truncated, expected {expected:,} bytes, got {size:,}; restore it from a backup"
            )
        self.env.reader_check()

    def is_current(self) -> bool:
        """Whether none has taken its place. Raises StoreUnavailable where the directory is gone."""
        return self._mark == _mark(self._directory)

    def has_its_file(self) -> bool:
        """Whether other processes find the file that is open under its name. Raises OSError where there is none."""
        return self._identify() == self._identity

    def _identify(self) -> tuple[int, int]:
        status = (self.path / DATA).stat()
        return status.st_dev, status.st_ino

    def replace(self, transaction: "lmdb.Transaction[bytes]") -> None:
        """Puts a new file with the same records in the place of this generation, and removes the files of this one.

        Args:
            transaction: the caller's, for writing: no other process writes meanwhile.
        """
        after = self._directory / str(self.number + 1)
        fresh = after.with_name(f".{after.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            _write(transaction, fresh, self._map_size)
            shutil.rmtree(after, ignore_errors=True)
            fresh.rename(after)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        write_text(self._directory / CURRENT, f"{self.number + 1}\n")
        for name in (DATA, LOCK):
            (self.path / name).unlink(missing_ok=True)
        if self.number:
            shutil.rmtree(self.path, ignore_errors=True)


def _write(transaction: "lmdb.Transaction[bytes]", fresh: Path, map_size: int) -> None:
    """Puts every record into a file of its own. LMDB's own copy would take pages as they are, with what was deleted
    between the records of a page."""
    with lmdb.open(str(fresh), map_size=map_size, sync=False) as env, transaction.cursor() as cursor:
        records = iter(cursor)
        while part := list(itertools.islice(records, RECORDS)):
            with env.begin(write=True) as writing:
                for key, value in part:
                    writing.put(key, value, append=True)
        env.sync(True)
    with (fresh / DATA).open("rb") as written:
        os.fsync(written.fileno())
    (fresh / LOCK).unlink(missing_ok=True)


def _mark(directory: Path) -> Mark:
    try:
        status = os.stat(directory / CURRENT)
    except OSError as error:
        raise StoreUnavailable(f"store {directory}: its files have gone ({error.strerror})") from None
    return status.st_ino, status.st_mtime_ns
