"""A case of an alert."""

from dataclasses import dataclass

from tests.pipelines.manifests.observability.worlds import World

IN_FLIGHT = 'aisle_in_flight{namespace="shop",pod="p"}'
"""What every server exports: that there are servers at all."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`at`: the moment looked at, from the worlds' beginning. `step`: 1m, 5m or 15m, also of evaluation."""

    alert: str
    severity: str
    fires: World
    quiet: tuple[World, ...]
    at: str
    window: str = ""
    step: str = "1m"
