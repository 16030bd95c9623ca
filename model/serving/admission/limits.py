"""What bounds a server: the time of an answer, and everything that a client makes it hold before there is one."""

from pydantic import Field

from tfx_configs.frozen import Count, Positive, Settings

MAX_DEADLINE_MS = 60_000.0


class Limits(Settings):
    """Limits of one server process.

    Example:
        >>> Limits(deadline_ms=100.0).max_in_flight
        64
    """

    deadline_ms: float = Field(50.0, ge=1, le=MAX_DEADLINE_MS)
    """Time for one request that names none, milliseconds."""
    max_in_flight: Count = 64
    """Inference requests answered at a time; the next is turned away at once, with a 503. One client has at most three
    quarters, and a quarter where clients of several addresses are connected."""
    max_body_kb: Count = 1024
    """Longest body of a request, and gRPC message, KiB; 413 beyond it."""
    max_buffer_mb: Count = 16
    """Bodies of all requests that are not answered yet, MiB, without the first 16 KiB of each; 503 beyond it."""
    max_header_kb: Count = 16
    """Longest request line with headers, KiB; 431 beyond it."""
    header_s: Positive = 10.0
    """Time for request line and headers, seconds; 408 beyond it."""
    body_s: Positive = 10.0
    """Time for the body after them, and for a client to read an answer, seconds; 408 beyond it."""
    max_connections: Count = 1024
    """Open HTTP connections; beyond it, those that wait longest for a request are closed. As many over gRPC; the next
    is closed."""
    max_wasted_per_s: Count = 20
    """Connections a second of one address that end without a whole request; beyond it, its next ones are not accepted,
    on Linux for a second at least. Not behind a proxy (`client_header`), which has limits of its own."""
    hosts: str | None = None
    """Names by which HTTP clients may call the server, with commas between them; none: any, and on loopback its own."""
    client_header: str | None = None
    """Header with the client's name, set by a proxy that lets no client set it; none: clients differ by address."""
