"""The gate's checks, one function each: (metrics.json, settings, expected data) -> reasons.

A check raises Missing when metrics.json lacks what it needs; the gate counts that as a no. Those against other models
are in rivals.py.
"""

from typing import Any

from components.gate.comparisons import beats_baseline, no_regression, no_slice_regression
from components.gate.criteria import Expected, Reason, at, at_least, at_most, equal, number
from model.evaluation.ranking_metrics import CALIBRATION_ERROR, CALIBRATION_RATIO, COVERAGE
from tfx_configs.evaluation import ALWAYS_SLICES, MAX_TFMA_DIFFERENCE
from tfx_configs.settings import GateSettings


def same_data(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """The evaluation was computed on this run's trips, all of them."""
    digest, trips = at(metrics, "digest"), number(metrics, "trips")
    span = metrics.get("span")
    same = digest == expected.digest
    return [
        Reason(
            check="data", passed=same, message="this run's data" if same else f"computed on other data, span {span}"
        ),
        equal("trips", trips, expected.trips, "judged trips"),
    ]


def slices_complete(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Every slicing that must be there is there, and the slices of each add up to all trips."""
    totals = dict.fromkeys(ALWAYS_SLICES, 0.0)
    for row in at(metrics, "slices"):
        totals[at(row, "slice")] = totals.get(row["slice"], 0.0) + number(row, "trips")
    return [
        equal(f"slices by {name}", total, expected.trips, "trips in all its slices") for name, total in totals.items()
    ]


def tfma_verdict(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA's own thresholds hold. No verdict means no."""
    verdict, failures = at(metrics, "tfma", "verdict"), at(metrics, "tfma", "failures")
    message = "all thresholds hold"
    if verdict is not True or failures:
        message = f"TFMA says no: {'; '.join(map(str, failures)) or 'without a reason'}"
    return [Reason(check="tfma", passed=verdict is True and not failures, message=message)]


def tfma_agrees(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA saw the same trips in every slice and came to the same values."""
    same_slices = at(metrics, "tfma", "counts_agree") is True
    difference = number(metrics, "tfma", "max_difference")
    return [
        equal("tfma trips", number(metrics, "tfma", "example_count"), expected.trips, "trips that TFMA counted"),
        Reason(check="tfma slices", passed=same_slices, message="TFMA's trips by slice against ours"),
        at_most("tfma values", difference, MAX_TFMA_DIFFERENCE, "largest difference between TFMA's values and ours"),
    ]


def coverage(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not the same few products for everybody."""
    value = _of_candidate(metrics, COVERAGE)
    message = "share of the active products in somebody's top 10"
    return [at_least("coverage", value, settings.min_coverage, message)]


def calibration(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """A score is the chance of a purchase: by bins, and all in all."""
    error, ratio = _of_candidate(metrics, CALIBRATION_ERROR), _of_candidate(metrics, CALIBRATION_RATIO)
    factor = settings.max_calibration_factor
    return [
        at_most(
            "calibration error",
            error,
            settings.max_calibration_error,
            "mean gap between score and share bought, by bin",
        ),
        Reason(
            check="calibration ratio",
            passed=1 / factor <= ratio <= factor,
            value=ratio,
            threshold=factor,
            message=f"purchases expected over purchases made, {1 / factor:.2f} to {factor:.2f}",
        ),
    ]


def latency(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Fast enough."""
    return [
        at_most("latency", number(metrics, "latency", "p50_ms"), settings.max_latency_ms, "median of one answer, ms")
    ]


def size(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Small enough."""
    return [at_most("size", number(metrics, "size_mb"), settings.max_size_mb, "exported model, MB")]


GROUPS = {
    "the evaluation itself": (same_data, slices_complete, tfma_agrees),
    "TFMA's verdict": (tfma_verdict,),
    "against the baselines": (beats_baseline,),
    "against the blessed model": (no_regression,),
    "slice by slice": (no_slice_regression,),
    "what is listed": (coverage, calibration),
    "what it costs": (latency, size),
}
"""All checks by kind, in the order in which they are told."""


def _of_candidate(metrics: Any, name: str) -> float:
    return number(metrics, "models", at(metrics, "candidate"), name)
