"""What each page is drawn from; the words are in the templates."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.errors import InputError
from pipelines.explore.load_world import World
from pipelines.explore.products import Product
from pipelines.explore.query_string import Ask, minute
from pipelines.local.rollout_operator import RunTraffic

TRIPS_SHOWN = 6
TIMES_SHOWN = 12


def start(world: World, text: str) -> dict[str, Any]:
    """The first page: examples, and shoppers whose id begins with `text`."""
    matching = world.shoppers.matching(text) if text else []
    return {"examples": world.shoppers.examples(), "text": text, "found": matching, "shoppers": len(world.shoppers)}


def shopper(world: World, ask: Ask, words: str) -> dict[str, Any]:
    """A shopper at a moment: lists side by side, basket, search, context, history."""
    moments, stores = world.shoppers.moments(ask.user_id), world.shoppers.stores(ask.user_id)
    listings = world.lists.listings(ask)
    now = next((moment for moment in moments if moment.time_s == ask.time_s), None)
    bought = set(now.bought) if now else set()
    listed = {entry.product.item_id for listing in listings for entry in listing.entries}
    request, items = world.lists.request(ask), world.products.item_ids[:1].tolist()
    return {
        "ask": ask,
        "known": ask.user_id in world.shoppers,
        "moments": moments,
        "is_trip": now is not None,
        "bought": bought,
        "missed": [world.products[item_id] for item_id in sorted(bought - listed)],
        "stores": stores if ask.store_id in ("", *stores) else [ask.store_id, *stores],
        "listings": listings,
        "basket": [world.products[item] for item in ask.basket],
        "words": words,
        "found": world.products.search(words),
        "history": _trips(world, ask),
        "purchases": len(request.history_item) - len(ask.basket),
        # What the model knows of the moment: features that are the same for every item.
        "values": world.reader(request, items)[0] if items and request.history_item else {},
    }


def item(world: World, ask: Ask, item_id: str) -> dict[str, Any]:
    """Why an item is where it is: causes taken away one at a time, then every feature."""
    if item_id not in world.products:
        raise InputError(f"expected a product of the catalog, got {item_id[:40]!r}; search for it by its words")
    values = world.reader(world.lists.request(ask), [item_id])[0]
    past = world.shoppers.past(ask.user_id, ask.time_s)
    times = [time_s for bought, time_s in zip(past.items, past.times, strict=True) if bought == item_id]
    return {
        "ask": ask,
        "product": world.products[item_id],
        "places": world.lists.listings(ask, item_id),
        "features": [(record, values[record.name]) for record in world.reader.records if record.name in values],
        "times": times[-TIMES_SHOWN:][::-1],
        "in_basket": item_id in ask.basket,
    }


def products(world: World, words: str) -> dict[str, Any]:
    """Product search without a shopper."""
    return {"words": words, "found": world.products.search(words, 50), "items": len(world.products.item_ids)}


def rollout(run: Path | None) -> dict[str, Any]:
    """The current rollout of the run."""
    why = "These are directories by name, not a run: there is no rollout to show."
    if run is not None:
        traffic = RunTraffic(run=run)
        try:
            return {"status": traffic.status(), "record": traffic.record()}
        except InputError as error:
            why = str(error)
    return {"status": None, "why": why}


def _trips(world: World, ask: Ask) -> dict[int, list[Product]]:
    """{time: products} of the last trips before the moment, the latest first; events of one moment are one trip."""
    past = world.shoppers.past(ask.user_id, ask.time_s)
    by_time: dict[int, list[str]] = {}
    for bought, time_s in zip(past.items, past.times, strict=True):
        by_time.setdefault(time_s, []).append(bought)
    return {
        time_s: [world.products[item_id] for item_id in by_time[time_s]]
        for time_s in sorted(by_time, reverse=True)[:TRIPS_SHOWN]
    }


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


FILTERS = {"when": when, "minute": minute, "score": score}
"""What the templates may call."""
