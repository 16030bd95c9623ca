"""What a client may do, and at which port and under which name of the server: separate permissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
SHADOW_SUFFIX = "-shadow"
"""What Envoy puts behind the host of a mirrored copy."""


class Scope(StrEnum):
    """A permission.

    Example:
        >>> Scope.of("/events").value, Scope.of("/v2/health/live")
        ('write', None)
    """

    ASK = "ask"
    WRITE = "write"
    """Events."""
    ERASE = "erase"
    """Shoppers."""
    METRICS = "metrics"

    @classmethod
    def of(cls, path: str) -> "Scope | None":
        """What a path needs; None: nothing, as the probes of a cluster, which ask at any port."""
        if path.startswith("/v2/health/") or path.endswith("/ready"):
            return None
        return {"events": cls.WRITE, "shoppers": cls.ERASE, "metrics": cls.METRICS}.get(path.split("/", 2)[1], cls.ASK)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where each permission is given.

    Example:
        >>> access = Access(ports={Scope.WRITE: 8082}, hosts=frozenset({"shop.example.com"}))
        >>> access.gives(Scope.WRITE, 8082), access.gives(Scope.WRITE, 8080), access.gives(Scope.ASK, 8082)
        (True, False, False)
        >>> access.knows("shop.example.com:443"), access.knows("evil.example.com")
        (True, False)
    """

    ports: Mapping[Scope, int] = field(default_factory=dict)
    """Ports of permissions that have one of their own; the others are given at every other port."""
    hosts: frozenset[str] = frozenset()
    """Names of the server; empty: any."""

    def gives(self, scope: Scope, port: int) -> bool:
        """Whether a request at this port may have this permission."""
        own = self.ports.get(scope)
        return port == own if own is not None else port not in self.ports.values()

    def knows(self, host: str) -> bool:
        """Whether the Host header names this server: a page in a browser cannot make another name lead here."""
        name = host.lower().removesuffix(SHADOW_SUFFIX)
        name = name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() else name
        return not self.hosts or name.removesuffix(SHADOW_SUFFIX) in self.hosts
