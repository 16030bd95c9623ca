"""The checks of checks.yaml, and the rules that their limits come from (docs/reference/decisions.md)."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from pydantic import TypeAdapter

from components.artifacts.monitor_report import CheckDescription
from components.monitor.checks.measurements import MEASURES
from components.monitor.checks.thresholds import Limits, natural, scaled
from components.monitor.data.window import Window
from tfx_configs.monitoring import Severity

Limit = Callable[[Window, str], Limits | None]
"""Limits of a check in a window, by the check's name."""


class Check(CheckDescription):
    """A check, and on which side its figure fails."""

    name: str
    group: Literal["requests", "purchases", "freshness", "outcomes", "lists", "skew", "drift"]
    severity: Severity = "ticket"
    side: Literal["below", "above", "both ways"] = "above"
    """Where a figure fails: beyond its lower limit, its upper limit, or either."""
    needs_visits: bool = True
    """Of a window: not judged below `min_visits`."""
    limits: str = ""
    """Of a window: the name of its rule in LIMITS."""


def table() -> list[tuple[str, str, str, str]]:
    """Return every check for people: (name, what is measured, where the limits come from, severity)."""
    return [(check.name, check.what, f"{check.side}: {check.basis}", str(check.severity)) for check in _ALL]


def _moved(window: Window, name: str, **least: float) -> Limits | None:
    """As far as the figure moved in the weeks before the cut; `least`: see `natural`."""
    return natural(_values(name, window.before_cut), window.record.settings, **least)


def _own(window: Window, name: str) -> Limits | None:
    settings = window.record.settings
    return natural(_values(name, window.own), settings, settings.least_share, settings.least_percent)


def _outcome(window: Window, name: str) -> Limits | None:
    """As far as a plain ranker's outcomes move."""
    return _moved(window, name, least_percent=window.record.settings.least_percent)


def _quality(window: Window, name: str) -> Limits | None:
    """The movement of a plain ranker's outcomes, around the level that the evaluation measured for the versions."""
    moved = _outcome(window, name)
    levels, versions = window.record.baseline.facts.levels, window.closed["version"].value_counts()
    weighted = sum(count * levels.get(str(version), {}).get(name, 1.0) for version, count in versions.items())
    return scaled(moved, weighted / versions.sum()) if moved and len(versions) else None


def _calibration(window: Window, _: str) -> Limits | None:
    """1 within `max_calibration_factor`, and as much more as outcomes move by themselves."""
    moved = _outcome(window, "hits_per_trip")
    centre = float(np.median(moved.history)) if moved is not None else 0.0
    if moved is None or centre == 0:  # without hits of the plain ranker, no movement can be estimated
        return None
    factor = window.record.settings.max_calibration_factor
    return Limits(low=centre / moved.high / factor, high=centre / max(moved.low, 1e-9) * factor)


def _overlap(window: Window, name: str) -> Limits | None:
    history = _values(name, window.before_cut)
    return Limits(high=max([*history, 0.0]) + window.record.settings.max_list_overlap, history=tuple(history))


def _clock(window: Window, name: str) -> Limits | None:
    history = _values(name, window.before_cut)
    if not history:
        return None
    centre, room = float(np.median(history)), window.record.settings.max_clock_minutes
    return Limits(low=centre - room, high=centre + room, history=tuple(history))


def _values(name: str, windows: Sequence[Window]) -> list[float]:
    estimates = [MEASURES[name](window) for window in windows]
    return [each.value for each in estimates if each is not None and not math.isnan(each.value)]


LIMITS: dict[str, Limit] = {
    "share": lambda window, name: _moved(window, name, least=window.record.settings.least_share),
    "count": lambda window, name: _moved(window, name, least_factor=window.record.settings.least_count_factor),
    "own": _own,
    "quality": _quality,
    "calibration": _calibration,
    "overlap": _overlap,
    "clock": _clock,
    "join": lambda window, _: Limits(
        low=window.record.settings.expected_join_share * (1 - window.record.settings.max_join_loss)
    ),
    "least_share": lambda window, _: Limits(high=window.record.settings.least_share),
    "max_fallback_share": lambda window, _: Limits(high=window.record.settings.max_fallback_share),
}
_ALL = TypeAdapter(tuple[Check, ...]).validate_python(
    yaml.safe_load(Path(__file__).with_name("checks.yaml").read_text(encoding="utf-8"))
)
CHECKS = tuple(check for check in _ALL if check.limits)
"""All checks of windows."""
AGES = tuple(check for check in _ALL if check.group == "freshness")
"""Checks of a moment; freshness.py measures them."""
DISTANCES: dict[str, Check] = {check.group: check for check in _ALL if check.group in ("skew", "drift")}
"""Checks of a window's distributions, one a feature; tfdv_distances.py measures them."""
