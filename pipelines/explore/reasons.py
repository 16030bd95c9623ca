"""Why an item is in a list, as causes that can be taken away: for each, its words and the request without it.

A cause is a fact about the shopper, the moment or the catalog that features are computed from. Taking it away means a
request (or, for popularity, a catalog) in which the fact is not so and all else is; `counterfactuals.py` ranks that
again. The words are in reasons.yaml.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from jinja2 import Environment, StrictUndefined

from model.api import Request


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate as the features see it."""

    item_id: str
    values: Mapping[str, float]
    """{feature: value}."""
    alike: Mapping[str, tuple[str, frozenset[str]]]
    """{attribute: (its value, other items with that value that the shopper bought)}, the most telling first."""
    store_id: str
    last_trip_s: int
    """When the shopper's last trip began, unix seconds; 0 without one."""
    household: str
    """What is known of the shopper, as words; empty where nothing is."""


@dataclass(frozen=True)
class Cause:
    """A cause of reasons.yaml. `attribute`: of the catalog's items, for `alike`."""

    kind: str
    attribute: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.attribute}" if self.attribute else self.kind

    @property
    def neutral(self) -> str:
        """What is supposed instead."""
        return self._fill("neutral", {})

    def words(self, candidate: Candidate) -> str:
        """The fact in words, empty where it is not so."""
        return self._fill("words", vars(candidate))

    def without(self, request: Request, candidate: Candidate) -> Request | None:
        """The request in which the fact is not so; None: it is in the catalog, and is taken away there."""
        bought = list(zip(request.history_item, request.history_time, strict=True))
        match self.kind:
            case "bought":
                return _with_events(request, (event for event in bought if event[0] != candidate.item_id))
            case "last_trip":
                last_s = candidate.last_trip_s
                return _with_events(request, (e for e in bought if e[0] != candidate.item_id or e[1] < last_s))
            case "alike":
                _, others = candidate.alike[self.attribute]
                return _with_events(request, (event for event in bought if event[0] not in others))
            case "rhythm":
                # Not due yet: its purchases later by the same time, so that the last one falls on the last trip.
                last_s = max(time_s for item, time_s in bought if item == candidate.item_id)
                later_s = max(candidate.last_trip_s - last_s, 0)
                moved = [(item, time_s + later_s * (item == candidate.item_id)) for item, time_s in bought]
                return _with_events(request, sorted(moved, key=lambda event: event[1]))
            case "household":
                return dataclasses.replace(request, user_id="")
        return None

    def _fill(self, part: str, values: Mapping[str, object]) -> str:
        text = _TEXTS[self.kind][part].render(values, attribute=self.attribute)
        return " ".join(text.split())


def causes_of(attributes: tuple[str, ...]) -> tuple[Cause, ...]:
    """All causes on a catalog with these item attributes."""
    alike = (Cause("alike", attribute) for attribute in attributes)
    own, others = ("bought", "rhythm", "last_trip"), ("promotion", "popular", "household")
    return (*map(Cause, own), *alike, *map(Cause, others))


def _with_events(request: Request, events: Iterable[tuple[str, int]]) -> Request:
    pairs = list(events)
    times = np.array([time_s for _, time_s in pairs], np.int64)
    return dataclasses.replace(request, history_item=[item for item, _ in pairs], history_time=times)


def _times(count: float) -> str:
    return "once" if round(count) == 1 else f"{count:,.0f} times"


def _days(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:,.0f} days"


def _ago(days: float) -> str:
    return "today" if days < 0.5 else "yesterday" if days < 1.5 else f"{_days(days)} ago"


_TEMPLATES = Environment(undefined=StrictUndefined)
_TEMPLATES.filters.update(times=_times, days=_days, ago=_ago)
_TEXTS = {
    kind: {part: _TEMPLATES.from_string(text) for part, text in parts.items()}
    for kind, parts in yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text(encoding="utf-8")).items()
}
