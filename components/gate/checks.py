"""The gate's checks, one function each: (metrics.json, settings, expected data) -> reasons.

A check raises Missing when metrics.json lacks what it needs; the gate counts that as a no.
"""

import dataclasses
import math
from typing import Any

from tfx_configs.evaluation import (
    ALWAYS_SLICES,
    BASELINES,
    GATE_METRICS,
    MAX_TFMA_DIFFERENCE,
    REGRESSION_METRIC,
)
from tfx_configs.settings import GateSettings


class Missing(LookupError):
    """metrics.json lacks a value, or has something else (None, NaN) in its place."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What the evaluation must have been computed on."""

    digest: str
    """Task.digest of the run's examples."""
    trips: int
    """Judged trips in them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reason:
    """One check. `value` and `threshold` are None where there is no number."""

    check: str
    passed: bool
    value: float | None = None
    threshold: float | None = None
    message: str


def same_data(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """The evaluation was computed on this run's trips, all of them."""
    digest, trips = _at(metrics, "digest"), _number(metrics, "trips")
    span = metrics.get("span")
    same = digest == expected.digest
    return [
        Reason(
            check="data", passed=same, message="this run's data" if same else f"computed on other data, span {span}"
        ),
        _equal("trips", trips, expected.trips, "judged trips"),
    ]


def tfma_verdict(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA's own thresholds hold. No verdict means no."""
    verdict, failures = _at(metrics, "tfma", "verdict"), _at(metrics, "tfma", "failures")
    message = "all thresholds hold"
    if verdict is not True or failures:
        message = f"TFMA says no: {'; '.join(map(str, failures)) or 'without a reason'}"
    return [Reason(check="tfma", passed=verdict is True and not failures, message=message)]


def tfma_agrees(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA saw the same trips in every slice and came to the same values."""
    same_slices = _at(metrics, "tfma", "counts_agree") is True
    difference = _number(metrics, "tfma", "max_difference")
    return [
        _equal("tfma trips", _number(metrics, "tfma", "example_count"), expected.trips, "trips that TFMA counted"),
        Reason(check="tfma slices", passed=same_slices, message="TFMA's trips by slice against ours"),
        _at_most("tfma values", difference, MAX_TFMA_DIFFERENCE, "largest difference between TFMA's values and ours"),
    ]


def beats_baseline(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """At least the best baseline, on each metric that is gated."""
    candidate, names = _at(metrics, "candidate"), _baselines(metrics)
    models = _at(metrics, "models")
    return [
        _against(models, candidate, names, metric, settings.min_ratio_to_baseline, metric) for metric in GATE_METRICS
    ]


def no_regression(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not worse than the blessed model, where there is one."""
    if "blessed" in metrics and metrics["blessed"] is None:
        return []
    models, blessed = _at(metrics, "models"), _at(metrics, "blessed")
    ratio = settings.min_ratio_to_blessed
    check = f"{REGRESSION_METRIC} of the blessed model"
    return [_against(models, _at(metrics, "candidate"), [blessed], REGRESSION_METRIC, ratio, check)]


def slices_complete(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Every slicing that must be there is there, and the slices of each add up to all trips."""
    totals = dict.fromkeys(ALWAYS_SLICES, 0.0)
    for row in _at(metrics, "slices"):
        totals[_at(row, "slice")] = totals.get(row["slice"], 0.0) + _number(row, "trips")
    return [
        _equal(f"slices by {name}", total, expected.trips, "trips in all its slices") for name, total in totals.items()
    ]


def no_slice_regression(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """In each slice of enough trips, near the best of the baselines and the blessed model."""
    candidate, names = _at(metrics, "candidate"), _baselines(metrics)
    if _at(metrics, "blessed", may_be_none=True) is not None:
        names = [*names, metrics["blessed"]]
    return [
        _against(
            _at(row, "models"),
            candidate,
            names,
            REGRESSION_METRIC,
            settings.min_slice_ratio,
            f"{_at(row, 'slice')} {_at(row, 'value')}",
        )
        for row in _at(metrics, "slices")
        if _number(row, "trips") >= settings.min_slice_trips
    ]


def coverage(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not the same few products for everybody."""
    value = _number(metrics, "models", _at(metrics, "candidate"), "coverage@10")
    passed = value >= settings.min_coverage
    message = "share of the active products in somebody's top 10"
    return [Reason(check="coverage", passed=passed, value=value, threshold=settings.min_coverage, message=message)]


def latency(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Fast enough."""
    return [
        _at_most("latency", _number(metrics, "latency", "p50_ms"), settings.max_latency_ms, "median of one answer, ms")
    ]


def size(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Small enough."""
    return [_at_most("size", _number(metrics, "size_mb"), settings.max_size_mb, "exported model, MB")]


ALL = (
    same_data,
    tfma_verdict,
    tfma_agrees,
    beats_baseline,
    no_regression,
    slices_complete,
    no_slice_regression,
    coverage,
    latency,
    size,
)


def _against(models: Any, candidate: str, names: list[str], metric: str, ratio: float, check: str) -> Reason:
    """The candidate's metric against `ratio` times the best of the named models'."""
    best, name = max((_number(models, name, metric), name) for name in names)
    value = _number(models, candidate, metric)
    message = f"{metric} {value:.4f}, {name} {best:.4f}, at least {ratio:g} times"
    return Reason(check=check, passed=value >= ratio * best, value=value, threshold=ratio * best, message=message)


def _equal(check: str, value: float, wanted: float, message: str) -> Reason:
    return Reason(check=check, passed=value == wanted, value=value, threshold=wanted, message=message)


def _at_most(check: str, value: float, limit: float, message: str) -> Reason:
    return Reason(check=check, passed=value <= limit, value=value, threshold=limit, message=message)


def _baselines(metrics: Any) -> list[str]:
    names = [str(name) for name in _at(metrics, "baselines")]
    absent = sorted(set(BASELINES) - set(names))
    if absent:
        raise Missing(f"expected the baseline {absent[0]} in metrics.json, got {', '.join(names) or 'none'}")
    return names


def _at(value: Any, *path: str, may_be_none: bool = False) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and not may_be_none:
        raise Missing(f"expected {'.'.join(path)} in metrics.json, got nothing")
    return value


def _number(value: Any, *path: str) -> float:
    found = _at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise Missing(f"expected a number for {'.'.join(path)} in metrics.json, got {found!r}")
    return float(found)
