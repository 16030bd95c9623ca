"""Why an item is in a list, as causes that can be taken away: for each, its words and the request without it.

A cause is a fact about the shopper, the moment or the catalog that features are computed from. Taking it away means a
request (or, for popularity, a catalog) in which the fact is not so and all else is; `measured.py` ranks that again.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from model.api import Request


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One candidate as the features see it."""

    item_id: str
    values: Mapping[str, float]
    """{feature: value}; empty where the catalog does not know the item."""
    alike: Mapping[str, tuple[str, frozenset[str]]]
    """{attribute: (its value, other items with that value that the shopper bought)}, the most telling first."""
    store_id: str
    last_trip_s: int
    """When the shopper's last trip began, unix seconds; 0 without one."""
    household: str
    """What is known of the shopper, as words; empty where nothing is."""


Words = Callable[[Seen], str]
Without = Callable[[Request, Seen], Request]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`says`: the fact in words, empty where it is not so. `neutral`: what is supposed instead. `without`: how."""

    name: str
    reads: tuple[str, ...]
    """Features that the words are made from; `on_` stands for every kind of promotion."""
    says: Words
    neutral: str
    without: Without | None = None
    """None: it stands in the catalog, and is taken away there."""


def causes_of(attributes: tuple[str, ...]) -> tuple[Cause, ...]:
    """All causes on a catalog with these item attributes."""
    return (BOUGHT, RHYTHM, LAST_TRIP, *(_alike(name) for name in attributes), PROMOTION, POPULAR, HOUSEHOLD)


def _bought(seen: Seen) -> str:
    count = seen.values.get("own_count", 0.0)
    if count < 1:
        return ""
    return f"bought {_times(count)}, last {_ago(seen.values['own_last_days'])}"


def _rhythm(seen: Seen) -> str:
    values = seen.values
    gap = values.get("own_gap_days", 0.0)
    if values.get("own_count", 0.0) < 2 or gap < 1 or values["own_in_last_trip"]:
        return ""
    late = round(values["own_last_days"] - gap)
    due = f"{_days(late)} overdue" if late > 0 else "due today" if late == 0 else f"due in {_days(-late)}"
    return f"bought every {'day' if round(gap) == 1 else _days(gap)}, {due}"


def _last_trip(seen: Seen) -> str:
    return "in the last basket" if seen.values.get("own_in_last_trip", 0.0) else ""


def _promotion(seen: Seen) -> str:
    kinds = [name[3:].replace("_", " ") for name, value in seen.values.items() if name.startswith("on_") and value]
    where = f"in store {seen.store_id}" if seen.store_id else "everywhere"
    return f"on promotion {where} ({', '.join(kinds)})" if kinds else ""


def _popular(seen: Seen) -> str:
    bought = seen.values.get("recent_popularity", 0.0)
    return f"bought {_times(bought)} by everybody in the week before the cut" if bought >= 1 else ""


def _household(seen: Seen) -> str:
    return seen.household


def _alike(name: str) -> Cause:
    def says(seen: Seen) -> str:
        value, others = seen.alike.get(name, ("", frozenset()))
        share = seen.values.get(f"{name}_share", 0.0)
        if not others:
            return ""
        products = "another product" if len(others) == 1 else f"{len(others)} other products"
        return f"buys {products} of {name.replace('_', ' ')} {value}, {100 * share:.1f} % of purchases lately"

    def without(request: Request, seen: Seen) -> Request:
        others = seen.alike[name][1]
        return _keeping(request, [item not in others for item in request.history_item])

    return Cause(
        name=f"alike_{name}",
        reads=(f"{name}_share",),
        says=says,
        neutral=f"had nothing else of this {name.replace('_', ' ')} been bought",
        without=without,
    )


def _without_purchases(request: Request, seen: Seen) -> Request:
    return _keeping(request, [item != seen.item_id for item in request.history_item])


def _without_last_trip(request: Request, seen: Seen) -> Request:
    kept = [
        item != seen.item_id or time < seen.last_trip_s
        for item, time in zip(request.history_item, request.history_time, strict=True)
    ]
    return _keeping(request, kept)


def _shifted(request: Request, seen: Seen) -> Request:
    """All purchases of the item later by the same time, so that the last one falls on the last trip: not due yet."""
    its = np.array([item == seen.item_id for item in request.history_item])
    times = np.array(request.history_time, np.int64)
    times[its] += max(seen.last_trip_s - int(times[its].max()), 0)
    order = np.argsort(times, kind="stable")
    items = [request.history_item[at] for at in order]
    return dataclasses.replace(request, history_item=items, history_time=times[order])


def _unknown(request: Request, _: Seen) -> Request:
    return dataclasses.replace(request, user_id="")


def _keeping(request: Request, kept: list[bool]) -> Request:
    items = [item for item, keep in zip(request.history_item, kept, strict=True) if keep]
    times = np.asarray(request.history_time, np.int64)[np.array(kept, bool)]
    return dataclasses.replace(request, history_item=items, history_time=times)


def _times(count: float) -> str:
    return "once" if round(count) == 1 else f"{count:,.0f} times"


def _days(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:,.0f} days"


def _ago(days: float) -> str:
    return "today" if days < 0.5 else "yesterday" if days < 1.5 else f"{_days(days)} ago"


BOUGHT = Cause(
    name="bought",
    reads=("own_count", "own_last_days"),
    says=_bought,
    neutral="had this shopper never bought it",
    without=_without_purchases,
)
RHYTHM = Cause(
    name="rhythm",
    reads=("own_gap_days", "own_last_days", "own_in_last_trip"),
    says=_rhythm,
    neutral="had it been bought on the last trip, at the same rhythm before",
    without=_shifted,
)
LAST_TRIP = Cause(
    name="last_trip",
    reads=("own_in_last_trip",),
    says=_last_trip,
    neutral="had it not been in the last basket",
    without=_without_last_trip,
)
PROMOTION = Cause(name="promotion", reads=("on_",), says=_promotion, neutral="had the promotion ended")
POPULAR = Cause(name="popular", reads=("recent_popularity",), says=_popular, neutral="had nobody bought it lately")
HOUSEHOLD = Cause(
    name="household", reads=(), says=_household, neutral="were nothing known of the household", without=_unknown
)
