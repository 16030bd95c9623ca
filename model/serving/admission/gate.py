"""What a server holds for its clients, and how they share it: requests in flight, bytes of bodies, connections.

One client may hold only `FACTOR` times what is still free of a limit (a dynamic threshold: Choudhury and Hahne,
"Dynamic queue length thresholds for shared-memory packet switches", IEEE/ACM Transactions on Networking 6(2), 1998). So
one client alone has at most FACTOR / (1 + FACTOR) of it, and there is always something left for the next.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Protocol

from model.serving.admission.limits import Limits
from model.serving.admission.strikes import Strikes
from model.serving.telemetry import metrics

FACTOR = 3
CROWDED, FLOODING, FLOOD_S = 4, 16, 1.0
"""One of so many parts of a limit is a client's, at most, where those of several addresses are connected: the more of
its requests wait, the fewer are answered in time, and each of them makes the others wait. FLOODING: for FLOOD_S seconds
after a request of it found no place."""
WRITES, OTHERS, READS_OF_GRPC = 8, 32, 128
"""Requests of events and deletions, of everything else, and open gRPC calls, at a time."""
EVICTED, YOUNG_S = 16, 1.0
"""One of so many connections is closed where there are too many; one that waits less long may have sent its request."""

_log = logging.getLogger(__name__)

ARRIVAL: ContextVar[float] = ContextVar("arrival")
"""When the last byte of the present request arrived, a reading of time.perf_counter."""
CLIENT: ContextVar[str] = ContextVar("client", default="")
"""Whose request it is."""


class Kind(StrEnum):
    """What a request asks for; each kind has slots of its own, so that a flood of one leaves the others alone.

    Example:
        >>> Kind.of("/events").value
        'write'
    """

    ASK = "ask"
    WRITE = "write"
    OTHER = "other"
    CALL = "call"
    """A gRPC call whose message is still to come."""

    @classmethod
    def of(cls, path: str) -> "Kind":
        """The kind of an HTTP request."""
        if path.endswith("/infer"):
            return cls.ASK
        return cls.WRITE if path.startswith(("/events", "/shoppers/")) else cls.OTHER


class Cause(StrEnum):
    """Why a request was turned away before it was read.

    Example:
        >>> Cause("body_time") is Cause.BODY_TIME
        True
    """

    NOT_HTTP = "not_http"
    HEADER_SIZE = "header_size"
    HEADER_TIME = "header_time"
    BODY_SIZE = "body_size"
    BODY_TIME = "body_time"
    BUFFER = "buffer"
    CONNECTIONS = "connections"
    STRIKES = "strikes"
    """Too many connections of the client were wasted lately."""
    IN_FLIGHT = "in_flight"
    LATE = "late"
    """Its deadline was over before work on it could begin."""


class Share:
    """A limit that clients share.

    Example:
        One client of two has three of four slots, and the other the last one.

        >>> slots = Share(4)
        >>> [slots.take("ann") for _ in range(4)], slots.take("bob"), slots.used
        ([True, True, True, False], True, 4)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._of_client: Counter[str] = Counter()

    def take(self, client: str, amount: int = 1, most: int | None = None) -> bool:
        """Whether `amount` is the client's now; it does not get more while it has `most`."""
        free, own = self.limit - self.used, self._of_client[client]
        if amount > free or own >= FACTOR * free or (most is not None and own >= most):
            return False
        self.used += amount
        self._of_client[client] += amount
        return True

    def give_back(self, client: str, amount: int = 1) -> None:
        """What `take` gave."""
        self.used -= amount
        self._of_client[client] -= amount
        if not self._of_client[client]:
            del self._of_client[client]


class Waiting(Protocol):
    """A connection, as far as the gate knows it."""

    peer: str

    def idle_since(self) -> float | None:
        """Since when it waits for its client, a reading of time.perf_counter; None while it waits for us."""
        ...

    def check_time(self, now: float) -> None:
        """Closes it when its client took too long."""
        ...

    def evict(self) -> None:
        """Closes it for others."""
        ...


class Gate:
    """What all connections of a server share.

    Example:
        >>> gate = Gate(Limits(max_in_flight=4))
        >>> with gate.slot(Kind.ASK, "ann") as entered:
        ...     print(entered, gate.slots[Kind.ASK].used)
        True 1
        >>> gate.slots[Kind.ASK].used
        0
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.max_body = limits.max_body_kb << 10
        self.client_header = limits.client_header.lower().encode() if limits.client_header else None
        self.version = ""
        """Of the model, for the metrics."""
        self.slots = {
            Kind.ASK: Share(limits.max_in_flight),
            Kind.WRITE: Share(WRITES),
            Kind.OTHER: Share(OTHERS),
            Kind.CALL: Share(READS_OF_GRPC),
        }
        self.buffer = Share(limits.max_buffer_mb << 20)
        self.connections: set[Waiting] = set()
        self._of_peer: Counter[str] = Counter()
        self._strikes = Strikes(limits.max_wasted_per_s)
        self._shed: dict[tuple[Kind, str], float] = {}
        """When a request last found no place, a reading of time.perf_counter."""
        self._none_old_until = 0.0
        """Until when no connection waits long enough to be closed for another, a reading of time.perf_counter."""
        for cause in Cause:
            metrics.REFUSED.labels(cause)

    def enter(self, kind: Kind, client: str) -> bool:
        """Whether a request may be worked on; `leave` when it is answered."""
        slots = self.slots[kind]
        if not slots.take(client, most=self._most(kind, client)):
            self._shed[kind, client] = time.perf_counter()
            metrics.of(metrics.REFUSED, Cause.IN_FLIGHT).inc()
            if kind is Kind.ASK:
                metrics.of(metrics.REQUESTS, self.version, "shed", "").inc()
            return False
        if kind is Kind.ASK:
            metrics.IN_FLIGHT.set(self.slots[kind].used)
        return True

    def _most(self, kind: Kind, client: str) -> int | None:
        if not self.shared:
            return None
        flooding = time.perf_counter() - self._shed.get((kind, client), -FLOOD_S) < FLOOD_S
        return max(self.slots[kind].limit // (FLOODING if flooding else CROWDED), 1)

    def leave(self, kind: Kind, client: str) -> None:
        self.slots[kind].give_back(client)
        if kind is Kind.ASK:
            metrics.IN_FLIGHT.set(self.slots[kind].used)

    @contextmanager
    def slot(self, kind: Kind, client: str) -> Iterator[bool]:
        """Whether it may be worked on, within the block."""
        entered = self.enter(kind, client)
        try:
            yield entered
        finally:
            if entered:
                self.leave(kind, client)

    def overloaded(self, kind: Kind) -> str:
        """The message to a request that may not."""
        return f"overloaded: {self.slots[kind].used} requests are being answered; come back in a second"

    def accepts(self, peer: str) -> bool:
        """Whether a new connection of this address is worth anything. Behind a proxy all come from it."""
        if self.client_header is not None or self._strikes.accepts(peer):
            return True
        metrics.of(metrics.REFUSED, Cause.STRIKES).inc()
        return False

    def wasted(self, peer: str) -> None:
        """A connection of this address that brought no request, or one that was refused before it was read."""
        self._strikes.strike(peer)

    @property
    def shared(self) -> bool:
        """Whether clients of several addresses are connected, and none of them is a proxy."""
        return self.client_header is None and len(self._of_peer) > 1

    def opened(self, connection: Waiting) -> None:
        """A connection more; where there are too many, some that wait for their client are closed, or it is itself."""
        self.connections.add(connection)
        self._of_peer[connection.peer] += 1
        if len(self.connections) > self.limits.max_connections:
            for other in self._in_excess(connection):
                metrics.of(metrics.REFUSED, Cause.CONNECTIONS).inc()
                other.evict()

    def _in_excess(self, newest: Waiting) -> Sequence[Waiting]:
        """Which connections to close: those that wait longest, first of all of clients that hold more than an equal
        share; a young one only where its client holds more and the newest one's does not."""
        now, most, of_peer = time.perf_counter(), self.limits.max_connections, self._of_peer
        share = most / len(of_peer)
        if now < self._none_old_until and of_peer[newest.peer] > share:
            return [newest]
        idle = sorted(_idle(self.connections), key=lambda row: (of_peer[row[0].peer] <= share, row[1]))
        self._none_old_until = min((since for _, since in idle), default=now) + YOUNG_S
        old = [other for other, since in idle if now - since > YOUNG_S]
        if not old and of_peer[newest.peer] <= share:
            old = [other for other, _ in idle if of_peer[other.peer] > share]
        return old[: max(1, most // EVICTED)] or [newest]

    def closed(self, connection: Waiting) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            self._of_peer[connection.peer] -= 1
            if not self._of_peer[connection.peer]:
                del self._of_peer[connection.peer]

    def check_times(self) -> None:
        """To be called every `interval_s`."""
        now = time.perf_counter()
        self._strikes.forget(now)
        self._shed = {whose: moment for whose, moment in self._shed.items() if now - moment < FLOOD_S}
        for connection in list(self.connections):
            try:
                connection.check_time(now)
            except Exception:  # one that cannot be checked must not keep the others from it
                _log.exception("a connection could not be checked; it is closed")
                connection.evict()

    @property
    def interval_s(self) -> float:
        """How exactly times are kept."""
        return min(1.0, self.limits.header_s / 4, self.limits.body_s / 4)


def _idle(connections: Iterable[Waiting]) -> Iterator[tuple[Waiting, float]]:
    for connection in connections:
        if (since := connection.idle_since()) is not None:
            yield connection, since
