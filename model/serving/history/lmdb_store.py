"""Live state embedded in the server: one LMDB directory, no other program. For a laptop, or one pod."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb
import numpy as np

from model.data.trips import Trips
from model.errors import StageFailed, StoreUnavailable
from model.serving.history import store as history
from model.serving.history.store import Event, History

MAP_BYTES = 8 << 30
"""Ceiling of what the store holds (its file is sparse: it takes what it holds)."""
RESERVE = 64 << 20
"""Bytes that the file may grow beyond it, where nothing is appended: deleting needs room too."""
BREATH, BREATH_S = 16, 1e-4
"""After so many shoppers of a batch, requests get so many seconds of the interpreter."""


class LmdbStore:
    """A HistoryStore in one directory that several processes may share.

    A process killed at any moment loses nothing that `append` returned for. After a power failure the last appends
    may be gone, and the store is whole. Open a directory once in a process.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = LmdbStore(Path(folder))
        ...     added = store.append([Event(event_id="receipt-1", user_id="ann", item_id="milk", time_s=100)])
        ...     items, times, *_ = store.history("ann", before_s=101)
        ...     store.close()
        >>> added, items, times.tolist()
        (1, ['milk'], [100])
    """

    remote = False

    def __init__(self, directory: Path, max_history: int = 2048, map_bytes: int = MAP_BYTES) -> None:
        """Opens it, and makes it where there is none.

        Args:
            max_history: events kept for each shopper, the same in all processes that share the directory.
            map_bytes: ceiling of what it holds.

        Raises:
            StageFailed: it cannot be opened, or its file is shorter than what was written to it.
        """
        self.max_history = history.check_max_history(max_history)
        self._map_bytes, self._file = map_bytes, directory / "data.mdb"
        map_size = map_bytes + RESERVE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(str(directory), map_size=map_size, metasync=False, max_readers=512)
            self._identity = self._identify()
        except (lmdb.Error, OSError) as error:
            raise StageFailed(f"store {directory}: cannot be opened ({error})") from None
        expected = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        if (size := self._file.stat().st_size) < expected:
            self._env.close()
            raise StageFailed(
                f"store {directory}: truncated, expected {expected:,} bytes, got {size:,}; restore it from a backup"
            )
        self._env.reader_check()

    def history(self, user_id: str, before_s: int | None) -> History:
        with self._transaction() as transaction:
            value = transaction.get(history.key_of(user_id))
        return history.before(value, before_s)

    def append(self, events: Sequence[Event]) -> int:
        """All events or, when it raises, none."""
        added = 0
        by_key = history.by_key(events)
        with self._transaction(write=True) as transaction:
            stat = transaction.stat()
            used = stat["psize"] * (stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"])
            if used > self._map_bytes:
                raise StoreUnavailable(f"store: full, {used:,} bytes; delete shoppers, or make it again with more")
            for number, (key, of_key) in enumerate(by_key.items(), 1):
                if number % BREATH == 0:
                    time.sleep(BREATH_S)
                value, fresh = history.merged(transaction.get(key), of_key, self.max_history)
                if value is not None:
                    transaction.put(key, value)
                    added += fresh
        return added

    def bulk_load(self, trips: Trips, kept_E: np.ndarray) -> int:
        """Replaces the histories of the shoppers with one of these events by these (model.serving.history.store.bulk);
        returns their number."""
        shoppers = 0
        with self._transaction(write=True) as transaction:
            for key, value in history.bulk(trips, kept_E, self.max_history):
                transaction.put(key, value)
                shoppers += 1
        return shoppers

    def delete(self, user_id: str) -> bool:
        with self._transaction(write=True) as transaction:
            return bool(transaction.delete(history.key_of(user_id)))

    @contextmanager
    def _transaction(self, write: bool = False) -> "Iterator[lmdb.Transaction[bytes]]":
        try:
            with self._env.begin(write=write) as transaction:
                yield transaction
            if write and self._identify() != self._identity:
                raise StoreUnavailable("store: its file was removed or replaced; restart the server")
        except (lmdb.Error, OSError) as error:
            raise StoreUnavailable(f"store: cannot be {'written' if write else 'read'} ({error})") from None

    def _identify(self) -> tuple[int, int]:
        """Of the file that other processes find under its name."""
        stat = self._file.stat()
        return stat.st_dev, stat.st_ino

    def close(self) -> None:
        """Flushes to disk and closes."""
        self._env.sync(True)
        self._env.close()
