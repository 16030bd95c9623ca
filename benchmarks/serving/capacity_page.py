"""Capacity on paper, for docs/design.md: formulas over what was measured, here and for a very large shop."""

import math
from dataclasses import dataclass
from typing import Any

from benchmarks.harness.markdown import table

EVENT_BYTES = 24
"""Of an event in the store: time, item and its id for the count that each comes once."""
VECTOR = 32
LOG_ROW_BYTES, LOG_DETAIL_BYTES, LOG_DETAIL_SHARE = 300, 8_000, 0.01
SHARD_GB, SHARD_FULL = 64, 0.75
UTILISATION = 0.5
GB, MB = 1e9, 1e6


@dataclass(frozen=True, kw_only=True)
class Shop:
    """r: requests a second. items, shoppers: of the catalog and the store. events: of one shopper."""

    rate: float
    items: int
    shoppers: int
    events: float


LARGE = Shop(rate=100_000, items=100_000_000, shoppers=50_000_000, events=600)


def capacity(serving: dict[str, Any], demo: dict[str, Any]) -> str:
    """A row a resource: formula, this data, LARGE."""
    aisle = serving["aisle"]
    most, cpu_s = aisle["max_rps_p99_25ms"], aisle["cpu_ms_per_request"] / 1000
    here = Shop(
        rate=UTILISATION * most,
        items=serving["catalog_items"],
        shoppers=demo["data"]["users"],
        events=serving["mean_history"],
    )
    small, large = serving["catalog"][0], serving["catalog"][-1]
    item_bytes = MB * (large["rss_mb"] - small["rss_mb"]) / (large["items"] - small["items"])

    def row(what: str, formula: str, told: Any) -> list[str]:
        return [what, formula, told(here), told(LARGE)]

    rows = [
        row("CPU, all busy", "r c", lambda shop: f"{shop.rate * cpu_s:,.1f} cores"),
        row("serving cores", "r / (u m)", lambda shop: f"{math.ceil(shop.rate / (UTILISATION * most)):,}"),
        row("vectors", "4 N d bytes", lambda shop: _size(4 * shop.items * VECTOR)),
        row("index in memory", f"N x {item_bytes:,.0f} bytes, measured", lambda shop: _size(shop.items * item_bytes)),
        row("lists of the index", "4 √N, above 300,000 items", _lists),
        row("state", "S h b", lambda shop: _size(_state(shop))),
        row(
            f"Redis shards of {SHARD_GB} GB, {SHARD_FULL:.0%} full",
            "S h b / shard",
            lambda shop: f"{math.ceil(_state(shop) / (SHARD_GB * GB * SHARD_FULL)):,}, and replicas",
        ),
        row("history read", "r h b a second", lambda shop: _size(shop.rate * shop.events * EVENT_BYTES) + "/s"),
        row(
            "request log",
            f"r ({LOG_ROW_BYTES} + {LOG_DETAIL_SHARE:.0%} of {LOG_DETAIL_BYTES:,}) bytes a second",
            lambda shop: f"{_size(86_400 * shop.rate * _log_bytes())} a day, before compression",
        ),
    ]
    head = ["what", "formula", f"here, {here.rate:.0f} requests a second on one core", "large"]
    measured = (
        f"Measured: c = {1000 * cpu_s:.1f} ms of CPU a request with real histories; m = {most:.0f} requests a second, "
        f"the most that one core answers with a p99 under 25 ms; {here.items:,} items, {here.shoppers:,} shoppers of "
        f"{here.events:.0f} events."
    )
    assumed = f"Assumed: u = {UTILISATION:.0%}, b = {EVENT_BYTES} bytes an event, d = {VECTOR}."
    wanted = (
        f"Large: r = {LARGE.rate:,.0f} requests a second, N = {LARGE.items:,} items, S = {LARGE.shoppers:,} shoppers "
        f"of h = {LARGE.events:.0f} events."
    )
    return f"{measured} {assumed} {wanted}\n\n{table(head, rows)}"


def _state(shop: Shop) -> float:
    return shop.shoppers * shop.events * EVENT_BYTES


def _lists(shop: Shop) -> str:
    return f"{4 * math.sqrt(shop.items):,.0f}" if shop.items > 300_000 else "exact"


def _log_bytes() -> float:
    return LOG_ROW_BYTES + LOG_DETAIL_SHARE * LOG_DETAIL_BYTES


def _size(size: float) -> str:
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{size / least:,.1f} {unit}"
    return f"{size / 1e3:,.0f} kB"
