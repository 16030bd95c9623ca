"""Clients that only waste connections are not accepted for a moment, before anything is done for them.

A refusal costs the server more than it costs who provokes it: accepting, parsing and answering. A client that comes
back at once after each refusal would keep a core busy with refusals alone.
"""

import time

BURST_S = 2.0
"""A client may waste the connections of so many seconds at once."""
MOST = 4096
"""Clients that are remembered; of more, none is until some are forgotten."""


class Strikes:
    """A leaky bucket for each client: a wasted connection fills it by one, and it empties by `per_s` a second. Where it
    is half full, each new connection fills it too: many may come before the first of them is known to be wasted.

    Example:
        Two a second, so four at once; half a second later there is room for one more.

        >>> strikes = Strikes(per_s=2)
        >>> for _ in range(9):
        ...     strikes.strike("ann", now=10.0)
        >>> strikes.accepts("ann", now=10.0), strikes.accepts("bob", now=10.0), strikes.accepts("ann", now=10.6)
        (False, True, True)
    """

    def __init__(self, per_s: float) -> None:
        self._per_s, self._most = per_s, per_s * BURST_S
        self._levels: dict[str, tuple[float, float]] = {}
        """{client: (level, moment of it)}"""

    def strike(self, client: str, now: float | None = None) -> None:
        """A connection of the client ended without a whole request. `now`: of time.perf_counter."""
        now = time.perf_counter() if now is None else now
        if client in self._levels or len(self._levels) < MOST:
            self._levels[client] = min(self._level(client, now) + 1, self._most), now

    def accepts(self, client: str, now: float | None = None) -> bool:
        """Whether its next connection is accepted."""
        if client not in self._levels:
            return True
        now = time.perf_counter() if now is None else now
        level = self._level(client, now)
        if level > self._most - 1:
            return False
        if level >= self._most / 2:
            self._levels[client] = level + 1, now
        return True

    def forget(self, now: float) -> None:
        """Drops the clients whose bucket is empty."""
        for client in [client for client in self._levels if self._level(client, now) <= 0]:
            del self._levels[client]

    def __len__(self) -> int:
        return len(self._levels)

    def _level(self, client: str, now: float) -> float:
        level, since = self._levels.get(client, (0.0, now))
        return max(level - (now - since) * self._per_s, 0.0)
