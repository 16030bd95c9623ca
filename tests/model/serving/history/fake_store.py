"""A store behind the port that is healthy, down or slow, as the test sets it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from model.errors import RecordDamaged, StoreUnavailable
from model.serving.history.store import Event, History


@dataclass(kw_only=True)
class FakeStore:
    items: dict[str, list[str]] = field(default_factory=dict)
    """What each shopper bought, one item a second from second 0 on."""
    damaged: tuple[str, ...] = ()
    """Shoppers whose records cannot be decoded."""
    remote: bool = True
    down: bool = False
    sleep_s: float = 0.0

    def history(self, user_id: str, before_s: int | None) -> History:
        self._fail()
        if user_id in self.damaged:
            raise RecordDamaged("store: damaged on purpose")
        items = self.items.get(user_id, [])
        items = items if before_s is None else items[: max(before_s, 0)]
        return History(items, np.arange(len(items), dtype=np.int64))

    def append(self, events: Sequence[Event]) -> int:
        self._fail()
        for event in events:
            self.items.setdefault(event.user_id, []).append(event.item_id)
        return len(events)

    def describe(self, user_id: str, attributes: Sequence[tuple[str, str]]) -> bool:
        self._fail()
        return user_id in self.items

    def delete(self, user_id: str) -> bool:
        self._fail()
        return self.items.pop(user_id, None) is not None

    def compact(self) -> None:
        self._fail()

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError

    def shoppers_about(self) -> int:
        return len(self.items)

    def put(self, records: Iterator[tuple[bytes, bytes]]) -> int:
        raise NotImplementedError

    def close(self) -> None: ...

    def _fail(self) -> None:
        time.sleep(self.sleep_s)
        if self.down:
            raise StoreUnavailable("store: down on purpose")
