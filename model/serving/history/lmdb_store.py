"""Live state embedded in the server: one LMDB directory, no other program. For a laptop, or one pod."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb
import numpy as np

from model.data.trips import Trips
from model.errors import StageFailed, StoreUnavailable
from model.files import hold
from model.serving.history import store as history
from model.serving.history import values
from model.serving.history.generations import MAP_BYTES, Generation
from model.serving.history.store import Event, History

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
        self._directory, self._map_bytes, self._opening = directory, map_bytes, threading.Lock()
        try:
            self._held = hold(directory)
        except OSError as error:
            raise StageFailed(f"store {directory}: cannot be opened ({error})") from None
        self._generation = Generation(directory, map_bytes)

    def history(self, user_id: str, before_s: int | None) -> History:
        with self._transaction() as transaction:
            value = transaction.get(history.key_of(user_id))
        return values.before(value, before_s)

    def append(self, events: Sequence[Event]) -> int:
        """All events or, when it raises, none."""
        added = 0
        by_key = values.by_key(events)
        with self._transaction(write=True) as transaction:
            stat = transaction.stat()
            used = stat["psize"] * (stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"])
            if used > self._map_bytes:
                raise StoreUnavailable(f"store: full, {used:,} bytes; delete shoppers, or make it again with more")
            for number, (key, of_key) in enumerate(by_key.items(), 1):
                if number % BREATH == 0:
                    time.sleep(BREATH_S)
                value, fresh = values.merged(transaction.get(key), of_key, self.max_history)
                if value is not None:
                    transaction.put(key, value)
                    added += fresh
        return added

    def bulk_load(self, trips: Trips, kept_E: np.ndarray) -> int:
        """Replaces the histories of the shoppers with one of these events by these (model.serving.history.values.bulk);
        returns their number."""
        return self.put(values.bulk(trips, kept_E, self.max_history))

    def describe(self, user_id: str, attributes: Sequence[tuple[str, str]]) -> bool:
        key = history.key_of(user_id)
        with self._transaction(write=True) as transaction:
            value = values.described(transaction.get(key), attributes)
            return value is not None and bool(transaction.put(key, value))

    def delete(self, user_id: str) -> bool:
        with self._transaction(write=True) as transaction:
            return bool(transaction.delete(history.key_of(user_id)))

    def compact(self) -> None:
        """As HistoryStore. No write waits longer than the copy takes, and none is lost."""
        with self._transaction(write=True) as transaction:
            try:
                self._generation.replace(transaction)
            except OSError as error:
                raise StoreUnavailable(f"store {self._directory}: cannot be copied ({error})") from None

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """As HistoryStore, all as of one moment."""
        with self._transaction() as transaction, transaction.cursor() as cursor:
            yield from ((bytes(key), bytes(value)) for key, value in cursor)

    def shoppers_about(self) -> int:
        with self._transaction() as transaction:
            return int(transaction.stat()["entries"])

    def put(self, records: Iterator[tuple[bytes, bytes]]) -> int:
        """As HistoryStore: all of them or, when it raises, none."""
        count = 0
        with self._transaction(write=True) as transaction:
            for key, value in records:
                transaction.put(key, value)
                count += 1
        return count

    @contextmanager
    def _transaction(self, write: bool = False) -> "Iterator[lmdb.Transaction[bytes]]":
        try:
            while True:
                generation = self._current()
                with generation.env.begin(write=write) as transaction:
                    if write and not generation.is_current():
                        transaction.abort()  # another took its place while this one waited for the lock
                        continue
                    yield transaction
                if write and generation.is_current() and not generation.has_its_file():
                    raise StoreUnavailable("store: its file was removed or replaced; restart the server")
                return
        except (lmdb.Error, OSError) as error:
            raise StoreUnavailable(f"store: cannot be {'written' if write else 'read'} ({error})") from None

    def _current(self) -> Generation:
        """The open file, another one where that has been replaced. The old one closes with its last transaction.

        Raises StoreUnavailable where the whole directory is another one: events in the old one would not be found.
        """
        if not self._generation.is_current():
            with self._opening:
                if not os.path.samestat(os.fstat(self._held), os.stat(self._directory)):
                    raise StoreUnavailable("store: its directory was replaced; restart the server")
                if not self._generation.is_current():
                    self._generation = Generation(self._directory, self._map_bytes)
        return self._generation

    def close(self) -> None:
        """Flushes to disk and closes."""
        self._generation.env.sync(True)
        self._generation.env.close()
        os.close(self._held)
