"""Request headers that proxies and servers agree on, and what they record of a request's route to a server."""

from collections.abc import Mapping
from typing import Literal

VERSION_HEADER = "x-aisle-version"
"""On a request: `stable` or `canary`, that version whatever the split. On an answer: who gave it."""
USER_HEADER = "x-user-id"
SHADOW_HEADER = "x-aisle-shadow"
"""Only on a mirrored copy, whose answer no client reads."""

PROBE_HEADER = "x-aisle-probe"
"""Only on a request of a made-up shopper by which a rollout checks a version; it is neither counted nor logged."""

Route = Literal["split", "unsticky", "named", "shadow", "probe", "bulk"]
"""split: the version fell to the shopper; unsticky: the header does not name the shopper, so that chance, or another
shopper's place, chose the version; named: a tester asked for it; shadow: a mirrored copy; probe: a made-up shopper;
bulk: no request, one of many lists made at once (components/recommend)."""
APART: tuple[Route, ...] = ("shadow", "bulk")
"""Rows that are no answer of a server to a shopper; readers of the log leave them out unless they ask for them."""


def route_of(headers: Mapping[str, str], user_id: str) -> Route:
    """How a request of this shopper came here; header names in lower case.

    A copy is known by our header, or by the `-shadow` that Envoy, also behind the Gateway API, puts behind the host.
    """
    host = headers.get("host", "").partition(":")[0]
    if SHADOW_HEADER in headers or host.endswith("-shadow"):
        return "shadow"
    if PROBE_HEADER in headers:
        return "probe"
    if VERSION_HEADER in headers:
        return "named"
    return "split" if headers.get(USER_HEADER) == user_id else "unsticky"
