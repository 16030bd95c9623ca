"""The checks as one table: what is measured, what it may be, how grave it is, what to do (docs/monitoring.md)."""

import dataclasses
import math
from collections.abc import Callable
from functools import cached_property
from typing import Literal

import numpy as np

from components.monitor.checks import measurements as measures
from components.monitor.checks import thresholds as limits
from components.monitor.checks.thresholds import Limits
from components.monitor.data import window
from components.monitor.data.window import Live, Window
from model.evaluation.clustered_errors import Estimate
from tfx_configs.monitoring import MonitorSettings, Severity

Group = Literal["requests", "purchases", "freshness", "outcomes", "lists", "skew", "drift"]
Side = Literal["low", "high", "both"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """One window and all it is compared with."""

    window: Window
    live: Live
    settings: MonitorSettings

    @cached_property
    def before(self) -> list[Window]:
        """The same weekdays of the weeks before the cut."""
        return window.before_cut(self.window, self.window.seen, self.settings)

    @cached_property
    def own(self) -> list[Window]:
        """Earlier windows of the log that the same version answered most of; none when they are too few."""
        earlier = window.before_in_log(self.window, self.live, self.window.seen, self.settings)
        found = [one for one in earlier if _main_version(one) == _main_version(self.window)]
        return found if len(found) >= self.settings.own_windows else []


Measure = Callable[[Window], Estimate | None]
LimitRule = Callable[[Context, Measure], Limits | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the table."""

    name: str
    group: Group
    severity: Severity
    side: Side
    measure: Measure
    limit: LimitRule
    basis: str
    """What the limit comes from, for people."""
    to_do: str
    needs_visits: bool = True
    """Not judged below `min_visits`."""

    @property
    def what(self) -> str:
        return (self.measure.__doc__ or "").strip().rstrip(".")


def _share(context: Context, measure: Measure) -> Limits | None:
    settings = context.settings
    return limits.natural(_values(measure, context.before), settings, settings.least_share)


def _count(context: Context, measure: Measure) -> Limits | None:
    settings = context.settings
    return limits.natural(_values(measure, context.before), settings, least_factor=settings.least_count_factor)


def _own(context: Context, measure: Measure) -> Limits | None:
    settings = context.settings
    return limits.natural(_values(measure, context.own), settings, settings.least_share, settings.least_percent)


def _quality(name: str) -> LimitRule:
    """As far as a plain ranker's outcomes move, around the level that the evaluation gives the versions that answer."""

    def rule(context: Context, measure: Measure) -> Limits | None:
        settings = context.settings
        found = limits.natural(_values(measure, context.before), settings, least_percent=settings.least_percent)
        levels = context.window.seen.levels
        versions = context.window.closed["version"].value_counts()
        weighted = sum(count * levels.get(str(version), {}).get(name, 1.0) for version, count in versions.items())
        return limits.scaled(found, weighted / versions.sum()) if found and len(versions) else None

    return rule


def _calibration(context: Context, measure: Measure) -> Limits | None:
    """1 within `max_calibration_factor`, and as much more as outcomes move by themselves."""
    settings = context.settings
    moved = limits.natural(
        _values(measures.hits_per_trip, context.before), settings, least_percent=settings.least_percent
    )
    centre = float(np.median(moved.history)) if moved is not None else 0.0
    if moved is None or centre == 0:  # a plain ranker that hits nothing moves by nothing: it says nothing
        return None
    factor = settings.max_calibration_factor
    return Limits(low=centre / moved.high / factor, high=centre / max(moved.low, 1e-9) * factor)


def _overlap(context: Context, measure: Measure) -> Limits | None:
    known = _values(measure, context.before)
    return Limits(high=max([*known, 0.0]) + context.settings.max_list_overlap, history=tuple(known))


def _none_but(share: str) -> LimitRule:
    return lambda context, measure: Limits(high=getattr(context.settings, share))


def _clock(context: Context, measure: Measure) -> Limits | None:
    known = _values(measure, context.before)
    if not known:
        return None
    centre, room = float(np.median(known)), context.settings.max_clock_minutes
    return Limits(low=centre - room, high=centre + room, history=tuple(known))


def _join(context: Context, measure: Measure) -> Limits | None:
    settings = context.settings
    return Limits(low=settings.expected_join_share * (1 - settings.max_join_loss))


def _main_version(one: Window) -> str:
    counts = one.visits["version"].value_counts()
    return str(counts.index[0]) if len(counts) else ""


def _values(measure: Measure, windows: list[Window]) -> list[float]:
    found = [measure(one) for one in windows]
    return [one.value for one in found if one is not None and not math.isnan(one.value)]


_WEEKS = "weeks before the cut"

CHECKS = (
    Check(
        name="visits", group="requests", severity="page", side="both", measure=measures.visits, limit=_count,
        basis=_WEEKS, needs_visits=False, to_do="see whether clients reach the servers, and all servers write a log",
    ),
    Check(
        name="visits_without_store", group="requests", severity="ticket", side="high", measure=measures.without_store,
        limit=_share, basis=_WEEKS, to_do="a client no longer sends store_id",
    ),
    Check(
        name="visits_unknown_store", group="requests", severity="ticket", side="high", measure=measures.unknown_stores,
        limit=_share, basis=_WEEKS, to_do="new stores need a training run; renamed ids need a repair",
    ),
    Check(
        name="visits_new_shopper", group="requests", severity="ticket", side="high", measure=measures.new_shoppers,
        limit=_share, basis=_WEEKS, to_do="a campaign, or shopper ids that were remapped",
    ),
    Check(
        name="visits_without_state", group="requests", severity="page", side="high", measure=measures.stateless,
        limit=_none_but("least_share"), basis="`least_share`",
        to_do="known shoppers are answered as strangers: look at the store and its load",
    ),
    Check(
        name="visits_stale_state", group="requests", severity="page", side="high", measure=measures.lagging,
        limit=_none_but("least_share"), basis="`least_share`",
        to_do="purchases do not reach the store: look at /events and who posts to it", needs_visits=False,
    ),
    Check(
        name="visits_from_the_future", group="requests", severity="ticket", side="high", measure=measures.early,
        limit=_none_but("least_share"), basis="`least_share`", to_do="a client's clock or time zone is wrong",
    ),
    Check(
        name="clock_minutes", group="requests", severity="page", side="both", measure=measures.clock, limit=_clock,
        basis="weeks before the cut, `max_clock_minutes`",
        to_do="requests and purchases disagree about the time: look at time zones first",
    ),
    Check(
        name="fallback_share", group="requests", severity="ticket", side="high", measure=measures.fallback,
        limit=_none_but("max_fallback_share"), basis="`max_fallback_share`",
        to_do="answers come from a fallback: look at latency and load",
    ),
    Check(
        name="purchases", group="purchases", severity="page", side="both", measure=measures.purchases, limit=_count,
        basis=_WEEKS, needs_visits=False, to_do="see whether the whole feed of purchases arrives, and only once",
    ),
    Check(
        name="purchases_new_item", group="purchases", severity="ticket", side="high", measure=measures.new_items,
        limit=_share, basis="weeks before the cut, at the model's age", needs_visits=False,
        to_do="new products need a training run; remapped ids need a repair",
    ),
    Check(
        name="purchases_unknown_item", group="purchases", severity="ticket", side="high",
        measure=measures.unknown_items, limit=_share, basis=_WEEKS, needs_visits=False,
        to_do="the model's catalog is stale: train on today's items table",
    ),
    Check(
        name="purchases_without_price", group="purchases", severity="ticket", side="high",
        measure=measures.without_price, limit=_share, basis=_WEEKS, needs_visits=False,
        to_do="the feed lost its prices",
    ),
    Check(
        name="join_share", group="outcomes", severity="page", side="low", measure=measures.join_share, limit=_join,
        basis="`expected_join_share`, `max_join_loss`",
        to_do="visits find no purchases: compare shopper ids and clocks of log and feed",
    ),
    Check(
        name="hits_per_trip", group="outcomes", severity="page", side="low", measure=measures.hits_per_trip,
        limit=_quality("hits_per_trip"), basis="weeks before the cut by a plain ranker, scaled by the evaluation",
        to_do="see the slices; roll back when a version did it, else train again",
    ),
    Check(
        name="recall@10", group="outcomes", severity="ticket", side="low", measure=measures.recall,
        limit=_quality("recall@10"), basis="weeks before the cut by a plain ranker, scaled by the evaluation",
        to_do="see the slices; roll back when a version did it, else train again",
    ),
    Check(
        name="calibration_ratio", group="outcomes", severity="ticket", side="both", measure=measures.calibration,
        limit=_calibration, basis="`max_calibration_factor`, and how outcomes moved in the weeks before the cut",
        to_do="scores promise more or less than is bought: train again",
    ),
    Check(
        name="list_overlap", group="lists", severity="page", side="high", measure=measures.overlap, limit=_overlap,
        basis="weeks before the cut by a plain ranker, and `max_list_overlap` more",
        to_do="everybody gets the same list: look at state and rungs, then roll back",
    ),
    Check(
        name="coverage", group="lists", severity="ticket", side="low", measure=measures.coverage, limit=_own,
        basis="earlier windows of the log", to_do="fewer items are shown at all: look at candidates and rules",
    ),
    Check(
        name="repetition", group="lists", severity="ticket", side="both", measure=measures.repetition, limit=_own,
        basis="earlier windows of the log", to_do="lists stopped moving, or jump about: look at the live state",
    ),
    Check(
        name="explore_share", group="lists", severity="ticket", side="both", measure=measures.explore, limit=_own,
        basis="earlier windows of the log", to_do="look at rules, re-ranking settings and live state",
    ),
    Check(
        name="short_lists", group="lists", severity="ticket", side="high", measure=measures.short,
        limit=_none_but("least_share"), basis="`least_share`", to_do="rules or a small catalog leave lists short",
    ),
)  # fmt: skip
"""All that a window is judged by; ages and distances are in ages.py and distances.py."""
