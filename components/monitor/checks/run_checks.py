"""All checks at one moment: what the service recorded against the reference, window by window."""

import dataclasses
from collections.abc import Iterator, Sequence

import pandas as pd

from components.monitor.checks import freshness as ages
from components.monitor.checks import measurements as measures
from components.monitor.checks import tfdv_distances as distances
from components.monitor.checks import thresholds as limits
from components.monitor.checks.results import Result, judge
from components.monitor.checks.table import CHECKS, Check, Context
from components.monitor.data import window
from components.monitor.data.baseline import Reference
from components.monitor.data.window import Live
from tfx_configs.monitoring import MonitorSettings, Severity
from tfx_configs.units import HOUR_S

AGES: dict[str, tuple[str, Severity, str]] = {
    "requests_age_hours": ("Hours since the last request", "page", "the servers answer nobody, or their log is lost"),
    "purchases_age_hours": ("Hours since the last purchase arrived", "page", "the feed of purchases has stopped"),
    "promotions_age_hours": ("Hours since promotions last changed", "ticket", "load today's promotions, then train"),
    "model_age_hours": ("Hours since the cut of the model in force", "ticket", "see why no newer model was pushed"),
}
"""{check: (what, severity, what to do)}"""
WEEKS = "weeks before the cut"
SIDES = {"low": "below: ", "high": "above: ", "both": "both ways: "}
GAP = "twice the longest gap in the weeks before the cut"
DISTANCE_DO = {
    "skew": "requests are not what training saw: find the client or feature that changed, or train again",
    "drift": "purchases are not what they were a week ago: a broken feed, or a change to learn",
}
DISTANCE_WHAT = {"skew": "of requests from the training trips", "drift": "of purchases from those a week before"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """What all checks of one moment said."""

    results: list[Result]
    contexts: list[Context]
    """One a window, the longest last."""


def look(
    live: Live,
    reference: Reference,
    promotion_starts: "pd.Series[float]",
    moments: Sequence[float],
    settings: MonitorSettings,
    with_distances: bool = True,
    only: str = "",
) -> list[Seen]:
    """Every check at each moment, unix seconds in data time; nothing after a moment counts for it.

    What is compared with the weeks before the cut, or with the log's own past, fails only when it did `confirm_hours`
    earlier too; that is looked up where it matters.

    with_distances: also TFDV's distances, which take a child process of some ten seconds, one for all moments.
    only: leaves out every check whose name does not begin so.
    """
    of_all = (reference, promotion_starts)
    seen = _look(live, *of_all, moments, settings, with_distances, only)
    doubtful = [n for n, one in enumerate(seen) if any(map(_by_chance, one.results))]
    if settings.confirm_hours and doubtful:
        earlier_s = [moments[n] - settings.confirm_hours * HOUR_S for n in doubtful]
        measured = any(one.group in DISTANCE_WHAT for n in doubtful for one in seen[n].results if _by_chance(one))
        earlier = _look(live, *of_all, earlier_s, settings, with_distances and measured, only)
        for n, before in zip(doubtful, earlier, strict=True):
            failed = {(one.check, one.window_days) for one in before.results if one.status == "failed"}
            seen[n].results[:] = [_confirmed(one, failed, settings.confirm_hours) for one in seen[n].results]
    return seen


def _by_chance(result: Result) -> bool:
    """Whether it failed by a limit that figures of sound windows overstep now and then."""
    return result.status == "failed" and bool(result.window_days and result.history)


def _confirmed(result: Result, failed_before: set[tuple[str, int]], hours: float) -> Result:
    if not _by_chance(result) or (result.check, result.window_days) in failed_before:
        return result
    return dataclasses.replace(result, status="ok", why=f"outside its limits, but not {hours:g} h ago")


def _look(
    live: Live,
    reference: Reference,
    promotion_starts: "pd.Series[float]",
    moments: Sequence[float],
    settings: MonitorSettings,
    with_distances: bool,
    only: str,
) -> list[Seen]:
    """Every check at each moment, each for itself."""
    contexts = [
        [
            Context(window=window.ending(now_s, days, live, reference, settings), live=live, settings=settings)
            for days in settings.windows_days
        ]
        for now_s in moments
    ]
    seen = [
        Seen(results=list(_at(now_s, of_moment, reference, promotion_starts, only)), contexts=of_moment)
        for now_s, of_moment in zip(moments, contexts, strict=True)
    ]
    if with_distances:
        pairs = [(context.window, context.before) for of_moment in contexts for context in of_moment]
        measured = iter(distances.measure(pairs, live, reference, settings))
        for one in seen:
            for days, context in zip(settings.windows_days, one.contexts, strict=True):
                one.results.extend(_distances(next(measured), context, days))
    return seen


def _at(
    now_s: float, contexts: Sequence[Context], reference: Reference, starts: "pd.Series[float]", only: str
) -> Iterator[Result]:
    live, settings = contexts[0].live, contexts[0].settings
    yield from (one for one in _ages(live, reference, starts, now_s, settings) if one.check.startswith(only))
    wanted = [check for check in CHECKS if check.name.startswith(only)]
    for days, context in zip(settings.windows_days, contexts, strict=True):
        yield from (_checked(check, context, days) for check in wanted)


def table() -> list[tuple[str, str, str, str]]:
    """Every check for people: (name, what is measured, where the limits come from, severity)."""
    rows = [(check.name, check.what, f"{SIDES[check.side]}{check.basis}", str(check.severity)) for check in CHECKS]
    fixed = {"model_age_hours": "`max_model_age_days`"}
    rows += [(name, what, fixed.get(name, GAP), str(severity)) for name, (what, severity, _) in AGES.items()]
    rows += [(f"{kind}_*", f"Distance in each feature {what}", WEEKS, "ticket") for kind, what in DISTANCE_WHAT.items()]
    return rows


def _checked(check: Check, context: Context, days: int) -> Result:
    figures, status, why = judge(
        check.measure(context.window),
        check.limit(context, check.measure),
        check.side,
        _few(context) if check.needs_visits else "",
    )
    return Result(
        check=check.name,
        group=check.group,
        severity=check.severity,
        window_days=days,
        status=status,
        what=check.what,
        basis=check.basis,
        to_do=check.to_do,
        why=why,
        **figures,
    )


def _few(context: Context) -> str:
    rows, least = len(context.window.visits), context.settings.min_visits
    return f"{rows} visits, below {least}" if rows < least else ""


def _ages(
    live: Live, reference: Reference, starts: "pd.Series[float]", now_s: float, settings: MonitorSettings
) -> Iterator[Result]:
    for name, (age_h, limit) in ages.hours(live, reference, starts, now_s, settings).items():
        what, severity, to_do = AGES[name]
        figures, status, why = judge(measures.exactly(age_h), limit, "high", "")
        yield Result(
            check=name,
            group="freshness",
            severity=severity,
            window_days=0,
            status=status,
            what=what,
            basis=GAP if limit.history else "`max_model_age_days`",
            to_do=to_do,
            why=why,
            **figures,
        )


def _distances(found: distances.Found, context: Context, days: int) -> Iterator[Result]:
    for kind, by_feature in found.items():
        for feature, (now, *history) in by_feature.items():
            settings = context.settings
            limit = limits.natural(
                history, settings, settings.least_distance, least_factor=settings.least_distance_factor
            )
            figures, status, why = judge(measures.exactly(now), limit, "high", "")
            yield Result(
                check=f"{kind}_{feature}",
                group=kind,
                severity="ticket",
                window_days=days,
                status=status,
                what=f"Distance in {feature} {DISTANCE_WHAT[kind]}",
                basis=WEEKS,
                to_do=DISTANCE_DO[kind],
                why=why,
                **figures,
            )
