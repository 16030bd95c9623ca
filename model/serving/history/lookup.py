"""A shopper's history for one request: from the store if it answers in time, else from what the request brought."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from model.api import Coded
from model.errors import RecordDamaged, StoreUnavailable
from model.serving.history.store import History, HistoryStore
from model.serving.v2_inputs import Query

THREADS = 4


class Source(StrEnum):
    """Where a history came from.

    Example:
        >>> Source("recent_items") is Source.RECENT_ITEMS
        True
    """

    FOUND = "found"
    UNKNOWN = "unknown"
    """The store knows nothing of the shopper before the moment asked about."""
    DAMAGED = "damaged"
    """What the store holds of the shopper cannot be decoded, and the request brought nothing."""
    RECENT_ITEMS = "recent_items"
    """The store had none, the request did."""
    UNAVAILABLE = "unavailable"
    """The store was down or too slow, and the request brought nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A history, where it is from, and the moment that it is of.

    Example:
        >>> State(history=History(["milk"], np.array([100])), source=Source.FOUND, time_s=101).source.value
        'found'
    """

    history: History
    source: Source
    time_s: int
    """The moment asked about; where the request names none, the present one, and later than all events stored."""


class StateReader:
    """Reads histories from a remote store on threads of its own: one that hangs holds up nothing else.

    Example:
        A local store, which is asked in this thread, knows no shopper; the request brought two items.

        >>> from types import SimpleNamespace
        >>> store = SimpleNamespace(remote=False, history=lambda *_: History([], np.empty(0, np.int64)))
        >>> reader = StateReader(store)
        >>> query = Query(user_id="ann", time_s=100, recent_items=("milk", "tea"))
        >>> state = asyncio.run(reader.read(query, timeout_s=0.01))
        >>> state.history.items, state.history.times.tolist(), state.source.value
        (('milk', 'tea'), [98, 99], 'recent_items')
        >>> reader.close()
    """

    def __init__(self, store: HistoryStore) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="state")

    async def read(self, query: Query, timeout_s: float) -> State:
        """The shopper's state; what the store has not answered after `timeout_s` is as if it were down.

        A request without a moment is about what the shopper did up to now, by whichever clock: all events count.
        """
        try:
            if self._store.remote:
                answer = asyncio.get_running_loop().run_in_executor(
                    self._pool, self._store.history, query.user_id, query.before_s
                )
                history = await asyncio.wait_for(answer, timeout_s)
            else:
                history = self._store.history(query.user_id, query.before_s)
        except (TimeoutError, StoreUnavailable):
            return _brought(query, Source.UNAVAILABLE)
        except RecordDamaged:
            return damaged_state(query)
        return state_of(query, history)

    def close(self) -> None:
        """Waits for what still runs."""
        self._pool.shutdown(cancel_futures=True)


def state_of(query: Query, history: History) -> State:
    """The state of a history that the store answered with."""
    if not history.items:
        return _brought(query, Source.UNKNOWN, history.attributes)
    time_s = query.time_s if query.timed else max(query.time_s, int(history.times[-1]) + 1)
    return State(history=history, source=Source.FOUND, time_s=time_s)


def damaged_state(query: Query) -> State:
    """The state where the store cannot decode its record of the shopper."""
    return _brought(query, Source.DAMAGED)


def _brought(query: Query, otherwise: Source, attributes: Sequence[tuple[str, str]] = ()) -> State:
    """The request's recent items, a second apart, the last of them one second before the request."""
    count = len(query.recent_items)
    history = History(
        query.recent_items,
        np.arange(query.time_s - count, query.time_s, dtype=np.int64),
        Coded.of(query.recent_stores) if query.recent_stores else None,
        np.array(query.recent_quantities, np.float32) if query.recent_quantities else None,
        np.array(query.recent_prices, np.float32) if query.recent_prices else None,
        attributes,
    )
    return State(history=history, source=Source.RECENT_ITEMS if count else otherwise, time_s=query.time_s)
