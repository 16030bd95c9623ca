"""Why an item is in a list, as causes that can be taken away: for each, its words and the request without it.

A cause is a fact about the shopper, the moment or the catalog that features are computed from. Taking it away means a
request (or, for popularity, a catalog) in which the fact is not so and all else is; `counterfactuals.py` ranks that
again. The words are in reasons.yaml.
"""

import dataclasses
from collections.abc import Mapping
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
        time_H = np.asarray(request.history_time, np.int64)
        its_H = np.array([item == candidate.item_id for item in request.history_item], bool)
        match self.kind:
            case "bought":
                return request.only(np.flatnonzero(~its_H))
            case "last_trip":
                return request.only(np.flatnonzero(~its_H | (time_H < candidate.last_trip_s)))
            case "alike":
                _, others = candidate.alike[self.attribute]
                return request.only(np.flatnonzero([item not in others for item in request.history_item]))
            case "rhythm":
                # Not due yet: its purchases later by the same time, so that the last one falls on the last trip.
                moved_H = time_H + its_H * max(candidate.last_trip_s - time_H[its_H].max(), 0)
                later = dataclasses.replace(request, history_time=moved_H)
                return later.only(np.argsort(moved_H, kind="stable"))
            case "household":
                return dataclasses.replace(request, attributes=())
        return None

    def _fill(self, part: str, values: Mapping[str, object]) -> str:
        text = _TEXTS[self.kind][part].render(values, attribute=self.attribute)
        return " ".join(text.split())


def causes_of(attributes: tuple[str, ...]) -> tuple[Cause, ...]:
    """All causes on a catalog with these item attributes."""
    alike = (Cause("alike", attribute) for attribute in attributes)
    own, others = ("bought", "rhythm", "last_trip"), ("promotion", "popular", "household")
    return (*map(Cause, own), *alike, *map(Cause, others))


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
