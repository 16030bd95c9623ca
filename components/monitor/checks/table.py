"""The checks as one table: what is measured, its limits, how severe a failure is, what to do (docs/monitoring.md)."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from components.monitor.checks import measurements as measure
from components.monitor.checks.thresholds import Limits, natural, scaled
from components.monitor.data.window import Window
from model.evaluation.clustered_errors import Estimate
from tfx_configs.monitoring import Severity

Group = Literal["requests", "purchases", "freshness", "outcomes", "lists", "skew", "drift"]
Side = Literal["below", "above", "both ways"]
"""Where a figure fails: beyond its lower limit, its upper limit, or either."""
Measure = Callable[[Window], Estimate | None]
Limit = Callable[[Window, Measure], Limits | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """What a check is, for people, and on which side its figure fails."""

    name: str
    group: Group
    severity: Severity = "ticket"
    side: Side = "above"
    what: str
    basis: str
    """Where the limits come from."""
    to_do: str


@dataclasses.dataclass(frozen=True)
class LimitRule:
    """How limits come from a window and a measurement; `basis` describes it for people."""

    basis: str
    limits: Limit


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowCheck(Check):
    """A check of a window's figure."""

    measure: Measure
    limits: Limit
    needs_visits: bool = True
    """Not judged below `min_visits`."""


def _natural(figure: Measure, windows: Sequence[Window], **least: float) -> Limits | None:
    """From the figure in these windows; `least`: see `natural`."""
    return natural(_values(figure, windows), windows[0].record.settings, **least) if windows else None


def _share(window: Window, figure: Measure) -> Limits | None:
    return _natural(figure, window.before_cut, least=window.record.settings.least_share)


def _count(window: Window, figure: Measure) -> Limits | None:
    return _natural(figure, window.before_cut, least_factor=window.record.settings.least_count_factor)


def _own(window: Window, figure: Measure) -> Limits | None:
    settings = window.record.settings
    return _natural(figure, window.own, least=settings.least_share, least_percent=settings.least_percent)


def _outcome(window: Window, figure: Measure) -> Limits | None:
    """As far as a plain ranker's outcomes move."""
    return _natural(figure, window.before_cut, least_percent=window.record.settings.least_percent)


def _quality(metric: str, window: Window, figure: Measure) -> Limits | None:
    """The movement of a plain ranker's outcomes, around the level that the evaluation measured for the versions."""
    moved = _outcome(window, figure)
    levels, versions = window.record.baseline.facts.levels, window.closed["version"].value_counts()
    weighted = sum(count * levels.get(str(version), {}).get(metric, 1.0) for version, count in versions.items())
    return scaled(moved, weighted / versions.sum()) if moved and len(versions) else None


def _calibration(window: Window, figure: Measure) -> Limits | None:
    """1 within `max_calibration_factor`, and as much more as outcomes move by themselves."""
    moved = _outcome(window, measure.hits_per_trip)
    centre = float(np.median(moved.history)) if moved is not None else 0.0
    if moved is None or centre == 0:  # without hits of the plain ranker, no movement can be estimated
        return None
    factor = window.record.settings.max_calibration_factor
    return Limits(low=centre / moved.high / factor, high=centre / max(moved.low, 1e-9) * factor)


def _overlap(window: Window, figure: Measure) -> Limits | None:
    history = _values(figure, window.before_cut)
    return Limits(high=max([*history, 0.0]) + window.record.settings.max_list_overlap, history=tuple(history))


def _clock(window: Window, figure: Measure) -> Limits | None:
    history = _values(figure, window.before_cut)
    if not history:
        return None
    centre, room = float(np.median(history)), window.record.settings.max_clock_minutes
    return Limits(low=centre - room, high=centre + room, history=tuple(history))


def _join(window: Window, figure: Measure) -> Limits | None:
    settings = window.record.settings
    return Limits(low=settings.expected_join_share * (1 - settings.max_join_loss))


def _at_most(setting: str) -> LimitRule:
    return LimitRule(f"`{setting}`", lambda window, _: Limits(high=getattr(window.record.settings, setting)))


def _values(figure: Measure, windows: Sequence[Window]) -> list[float]:
    estimates = [figure(window) for window in windows]
    return [each.value for each in estimates if each is not None and not math.isnan(each.value)]


_WEEKS = "weeks before the cut"
_GAP = "twice the longest gap in the weeks before the cut"
_SCALED = "weeks before the cut by a plain ranker, scaled by the evaluation"
SHARE, COUNT = LimitRule(_WEEKS, _share), LimitRule(_WEEKS, _count)
NEW_SHARE = LimitRule("weeks before the cut, at the model's age", _share)
OWN_PAST = LimitRule("earlier windows of the log", _own)
HITS, RECALL = (LimitRule(_SCALED, partial(_quality, metric)) for metric in ("hits_per_trip", "recall@10"))
CALIBRATION = LimitRule("`max_calibration_factor`, and how outcomes moved in the weeks before the cut", _calibration)
OVERLAP = LimitRule("weeks before the cut by a plain ranker, and `max_list_overlap` more", _overlap)
CLOCK = LimitRule("weeks before the cut, `max_clock_minutes`", _clock)
JOIN = LimitRule("`expected_join_share`, `max_join_loss`", _join)
FEW, FALLBACKS = _at_most("least_share"), _at_most("max_fallback_share")


def _check(group: Group, name: str, figure: Measure, rule: LimitRule, to_do: str, **more: Any) -> WindowCheck:
    """Build a row; `more`: fields that differ from the usual ticket, above, needs visits."""
    what = (figure.__doc__ or "").strip().rstrip(".")
    basis, limits = rule.basis, rule.limits
    return WindowCheck(
        name=name, group=group, measure=figure, limits=limits, what=what, basis=basis, to_do=to_do, **more
    )


def _age(name: str, what: str, to_do: str, **more: Any) -> Check:
    return Check(name=name, group="freshness", what=what, to_do=to_do, **{"basis": _GAP} | more)


def _distance(group: Group, what: str, to_do: str) -> Check:
    return Check(name=f"{group}_*", group=group, what=f"Distance in each feature {what}", basis=_WEEKS, to_do=to_do)


CHECKS = (
    _check("requests", "visits", measure.visits, COUNT, severity="page", side="both ways", needs_visits=False,
           to_do="see whether clients reach the servers, and all servers write a log"),
    _check("requests", "visits_without_store", measure.without_store, SHARE, "a client no longer sends store_id"),
    _check("requests", "visits_unknown_store", measure.unknown_stores, SHARE,
           "new stores need a training run; renamed ids need a repair"),
    _check("requests", "visits_new_shopper", measure.new_shoppers, SHARE,
           "a campaign, or shopper ids that were remapped"),
    _check("requests", "visits_without_state", measure.stateless, FEW, severity="page",
           to_do="known shoppers are answered as strangers: check the store and its load"),
    _check("requests", "visits_stale_state", measure.lagging, FEW, severity="page", needs_visits=False,
           to_do="purchases do not reach the store: check /events and its clients"),
    _check("requests", "visits_from_the_future", measure.early, FEW, "a client's clock or time zone is wrong"),
    _check("requests", "clock_minutes", measure.clock, CLOCK, severity="page", side="both ways",
           to_do="requests and purchases disagree about the time: check time zones first"),
    _check("requests", "fallback_share", measure.fallback, FALLBACKS,
           "answers come from a fallback: check latency and load"),
    _check("purchases", "purchases", measure.purchases, COUNT, severity="page", side="both ways", needs_visits=False,
           to_do="see whether the whole feed of purchases arrives, and only once"),
    _check("purchases", "purchases_new_item", measure.new_items, NEW_SHARE, needs_visits=False,
           to_do="new products need a training run; remapped ids need a repair"),
    _check("purchases", "purchases_unknown_item", measure.unknown_items, SHARE, needs_visits=False,
           to_do="the model's catalog is stale: train on today's items table"),
    _check("purchases", "purchases_without_price", measure.without_price, SHARE, needs_visits=False,
           to_do="the feed lost its prices"),
    _check("outcomes", "join_share", measure.join_share, JOIN, severity="page", side="below",
           to_do="visits have no purchases: compare shopper ids and clocks of log and feed"),
    _check("outcomes", "hits_per_trip", measure.hits_per_trip, HITS, severity="page",
           side="below", to_do="see the slices; roll back when a version did it, else train again"),
    _check("outcomes", "recall@10", measure.recall, RECALL, side="below",
           to_do="see the slices; roll back when a version did it, else train again"),
    _check("outcomes", "calibration_ratio", measure.calibration, CALIBRATION, side="both ways",
           to_do="scores promise more or less than is bought: train again"),
    _check("lists", "list_overlap", measure.overlap, OVERLAP, severity="page",
           to_do="all shoppers get the same list: check state and rungs, then roll back"),
    _check("lists", "coverage", measure.coverage, OWN_PAST, side="below",
           to_do="fewer items are shown at all: check candidates and rules"),
    _check("lists", "repetition", measure.repetition, OWN_PAST, side="both ways",
           to_do="lists stopped moving, or change at random: check the live state"),
    _check("lists", "explore_share", measure.explore, OWN_PAST, side="both ways",
           to_do="check rules, re-ranking settings and live state"),
    _check("lists", "short_lists", measure.short, FEW, "rules or a small catalog leave lists short"),
)  # fmt: skip
"""All checks of windows; a row is (group, name, measurement, limits, what to do)."""
AGES = (
    _age("requests_age_hours", "Hours since the last request", "the servers get no requests, or their log is lost",
         severity="page"),
    _age("purchases_age_hours", "Hours since the last purchase arrived", "the feed of purchases has stopped",
         severity="page"),
    _age("promotions_age_hours", "Hours since promotions last changed", "load today's promotions, then train"),
    _age("model_age_hours", "Hours since the cut of the active model", "see why no newer model was pushed",
         basis="`max_model_age_days`"),
)  # fmt: skip
"""Checks of a moment; freshness.py measures them."""
DISTANCES = {
    "skew": _distance("skew", "of requests from the training trips",
                      "requests differ from training: find the client or feature that changed, or train again"),
    "drift": _distance("drift", "of purchases from those a week before",
                       "purchases differ from those a week ago: a broken feed, or a change to learn"),
}  # fmt: skip
"""Checks of a window's distributions, one a feature; tfdv_distances.py measures them."""


def table() -> list[tuple[str, str, str, str]]:
    """Return every check for people: (name, what is measured, where the limits come from, severity)."""
    checks: tuple[Check, ...] = (*CHECKS, *AGES, *DISTANCES.values())
    return [(check.name, check.what, f"{check.side}: {check.basis}", str(check.severity)) for check in checks]
