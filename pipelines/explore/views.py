"""What each page is drawn from. The templates draw these and decide nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.rollout.decision.states import State
from components.rollout.traffic_adapter import RolloutStatus
from model.api import Request
from model.errors import InputError
from pipelines.explore.lists import Entry, Listing, Place
from pipelines.explore.load_world import World
from pipelines.explore.products import Product
from pipelines.explore.query_string import Ask, minute
from pipelines.local.rollout_operator import RunTraffic

TRIPS_SHOWN = 6
ITEMS_SHOWN = 12
KINDS = {
    "heavy": "buys most",
    "usual": "in the middle",
    "light": "bought least before the cut",
    "new": "nobody we know",
}


@dataclass(frozen=True, kw_only=True)
class PastTrip:
    """One earlier trip of the shopper. `more`: products beyond those listed."""

    time_s: int
    products: tuple[Product, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class FeatureRow:
    """One feature of a candidate as a line of a table."""

    name: str
    doc: str
    value: float


def start(world: World, text: str) -> dict[str, Any]:
    """The first page: examples, and shoppers whose id begins with `text`."""
    examples = [(example, KINDS[example.kind]) for example in world.shoppers.examples()]
    found = world.shoppers.matching(text) if text else []
    return {"examples": examples, "text": text, "found": found, "shoppers": len(world.shoppers)}


def shopper(world: World, ask: Ask, words: str) -> dict[str, Any]:
    """A shopper at a moment: lists side by side, basket, search, context, history."""
    moments = world.shoppers.moments(ask.user_id)
    listings = world.lists.listings(ask)
    now = next((moment for moment in moments if moment.time_s == ask.time_s), None)
    bought = set(now.bought) if now else set()
    request = world.lists.request(ask)
    stores = world.shoppers.stores(ask.user_id)
    return {
        "ask": ask,
        "known": ask.user_id in world.shoppers,
        "moments": moments,
        "is_trip": now is not None,
        "bought": bought,
        "missed": _missed(world, listings, bought),
        "stores": stores if ask.store_id in ("", *stores) else [ask.store_id, *stores],
        "listings": listings,
        "basket": [world.products[item] for item in ask.basket],
        "moved": _moved_words(listings),
        "words": words,
        "found": world.products.search(words),
        "history": _trips(world, ask),
        "purchases": len(request.history_item) - len(ask.basket),
        "facts": _facts(world, request),
    }


def item(world: World, ask: Ask, item_id: str) -> dict[str, Any]:
    """Why an item is where it is: causes taken away one at a time, then every feature."""
    if item_id not in world.products:
        raise InputError(f"expected a product of the catalog, got {item_id[:40]!r}; search for it by its words")
    places = world.lists.places(ask, item_id)
    values = world.reader(world.lists.request(ask), [item_id])[0]
    rows = [FeatureRow(name=f.name, doc=f.doc, value=values[f.name]) for f in world.reader.records if f.name in values]
    past = world.shoppers.past(ask.user_id, ask.time_s)
    times = [time for i, time in zip(past.items, past.times, strict=True) if i == item_id]
    return {
        "ask": ask,
        "product": world.products[item_id],
        "places": places,
        "features": rows,
        "times": times[-12:][::-1],
        "in_basket": item_id in ask.basket,
        "nowhere": all(place.entry is None for place in places),
    }


def products(world: World, words: str) -> dict[str, Any]:
    """Product search without a shopper."""
    return {"words": words, "found": world.products.search(words, 50), "items": len(world.products.item_ids)}


def rollout(run: Path | None) -> dict[str, Any]:
    """The current rollout of the run."""
    status, record, why = None, None, "These are directories by name, not a run: there is no rollout to show."
    if run is not None:
        traffic = RunTraffic(run=run)
        try:
            status, record = traffic.status(), traffic.record()
        except InputError as error:
            why = str(error)
    return {"status": status, "record": record, "why": why, "tone": _tone(status)}


def _tone(status: RolloutStatus | None) -> str:
    tones = {State.PROMOTED: "good", State.ROLLED_BACK: "bad", State.ABORTED: "bad", State.HELD: "warn"}
    return tones.get(status.state, "") if status else ""


def _moved_words(listings: Sequence[Listing]) -> str:
    """One sentence for who cannot see the arrows."""
    parts = []
    for listing in listings:
        moved = sum(entry.before != entry.rank for entry in listing.entries)
        parts.append(f"{listing.role.name}: {moved} of {len(listing.entries)} places are different")
    return "; ".join(parts)


def _missed(world: World, listings: Sequence[Listing], bought: set[str]) -> list[Product]:
    """What was bought and stands in no list."""
    listed = {entry.product.item_id for listing in listings for entry in listing.entries}
    return [world.products[item_id] for item_id in sorted(bought - listed)]


def _trips(world: World, ask: Ask) -> list[PastTrip]:
    """The last trips before the moment, the latest first; events of one moment are one trip here."""
    past = world.shoppers.past(ask.user_id, ask.time_s)
    by_time: dict[int, list[str]] = {}
    for bought, time_s in zip(past.items, past.times, strict=True):
        by_time.setdefault(time_s, []).append(bought)
    last = sorted(by_time, reverse=True)[:TRIPS_SHOWN]
    return [
        PastTrip(
            time_s=time_s,
            products=tuple(world.products[i] for i in by_time[time_s][:ITEMS_SHOWN]),
            more=max(len(by_time[time_s]) - ITEMS_SHOWN, 0),
        )
        for time_s in last
    ]


def _facts(world: World, request: Request) -> list[tuple[str, str]]:
    """What the model knows of the moment, by the same features, in words."""
    some = world.products.item_ids[:1].tolist()
    values = world.reader(request, some)[0] if some else {}
    if not values or not request.history_item:
        return []
    trips, gap = values["trips"], values["trip_gap_days"]
    return [
        ("trips so far", f"{trips:,.0f}"),
        ("last trip", f"{values['last_trip_days']:,.1f} days ago"),
        ("between trips", f"{gap:,.1f} days" if trips > 1 else "one trip only"),
        ("products a trip", f"{values['basket_size']:,.1f}"),
    ]


def when(time_s: int) -> str:
    """Mon 4 Dec 2017, 18:05"""
    moment = datetime.fromtimestamp(time_s, UTC)
    return f"{moment:%a} {moment.day} {moment:%b %Y, %H:%M}"


def score(value: float, probability: bool) -> str:
    """A probability as percent, any other score as it is."""
    if not probability:
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    percent = 100 * value
    return "under 0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def movement(entry: Entry) -> tuple[str, str]:
    """(kind, words) of an entry that the basket has moved: up, down or new."""
    if entry.before is None:
        return "new", "new"
    steps = entry.before - entry.rank
    return ("up", f"up {steps}") if steps > 0 else ("down", f"down {-steps}")


def ended(place: Place) -> str:
    """Where a model has the item, in one line."""
    if place.entry is None:
        return f"not among its {place.candidates:,} candidates"
    return f"place {place.entry.rank} of {place.candidates:,} candidates, from {place.entry.source}"


FILTERS = {"when": when, "minute": minute, "score": score, "movement": movement, "ended": ended}
"""What the templates may call."""
