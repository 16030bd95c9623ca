"""The gate's checks, one function each: (evaluation, settings, expected data) -> reasons.

A check raises Missing when the evaluation lacks what it needs; the gate counts that as a no. Those against other models
are in comparisons.py.
"""

from components.artifacts.evaluation import Evaluation, required
from components.artifacts.verdict import Reason
from components.gate.comparisons import beats_baseline, no_regression, no_slice_regression
from components.gate.criteria import Expected, at_least, at_most, equal
from model.evaluation.ranking_metrics import CALIBRATION_ERROR, CALIBRATION_RATIO, COVERAGE
from tfx_configs.evaluation import ALWAYS_SLICES, MAX_TFMA_DIFFERENCE
from tfx_configs.settings import GateSettings


def same_data(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """The evaluation was computed on this run's trips, all of them."""
    same = required(evaluation.digest, "digest") == expected.digest
    other = f"computed on other data, {evaluation.span.first} to {evaluation.span.last}"
    return [
        Reason(check="data", passed=same, message="this run's data" if same else other),
        equal("trips", required(evaluation.trips, "trips"), expected.trips, "judged trips"),
    ]


def slices_complete(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Every slicing that must be there is there, and the slices of each add up to all trips."""
    totals = dict.fromkeys(ALWAYS_SLICES, 0)
    for row in evaluation.slices:
        totals[row.slice] = totals.get(row.slice, 0) + row.trips
    return [
        equal(f"slices by {name}", total, expected.trips, "trips in all its slices") for name, total in totals.items()
    ]


def tfma_verdict(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA's own thresholds hold. No verdict means no."""
    holds = required(evaluation.tfma.verdict, "tfma.verdict")
    if evaluation.tfma.failures is None:
        required(None, "tfma.failures")
    failures = evaluation.tfma.failures or ()
    passed = holds and not failures
    message = "all thresholds hold" if passed else f"TFMA's thresholds fail: {'; '.join(failures) or 'no reason given'}"
    return [Reason(check="tfma", passed=passed, message=message)]


def tfma_agrees(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """TFMA saw the same trips in every slice and came to the same values."""
    tfma = evaluation.tfma
    same_slices = required(tfma.counts_agree, "tfma.counts_agree")
    difference = required(tfma.max_difference, "tfma.max_difference")
    counted = required(tfma.example_count, "tfma.example_count")
    return [
        equal("tfma trips", counted, expected.trips, "trips that TFMA counted"),
        Reason(check="tfma slices", passed=same_slices, message="TFMA's trips by slice against ours"),
        at_most("tfma values", difference, MAX_TFMA_DIFFERENCE, "largest difference between TFMA's values and ours"),
    ]


def coverage(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not the same few products for all shoppers."""
    share = evaluation.metric(evaluation.candidate, COVERAGE)
    return [at_least("coverage", share, settings.min_coverage, "share of the active products in any top 10")]


def calibration(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """A score is the chance of a purchase: by bins, and over all recommendations."""
    error = evaluation.metric(evaluation.candidate, CALIBRATION_ERROR)
    ratio = evaluation.metric(evaluation.candidate, CALIBRATION_RATIO)
    factor = settings.max_calibration_factor
    gap = "mean gap between score and share bought, by bin"
    return [
        at_most("calibration error", error, settings.max_calibration_error, gap),
        Reason(
            check="calibration ratio",
            passed=1 / factor <= ratio <= factor,
            value=ratio,
            threshold=factor,
            message=f"purchases expected over purchases made, {1 / factor:.2f} to {factor:.2f}",
        ),
    ]


def latency(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Fast enough."""
    median_ms = required(evaluation.latency.p50_ms, "latency.p50_ms")
    return [at_most("latency", median_ms, settings.max_latency_ms, "median of one answer, ms")]


def size(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Small enough."""
    return [at_most("size", required(evaluation.size_mb, "size_mb"), settings.max_size_mb, "exported model, MB")]


GROUPS = {
    "the evaluation itself": (same_data, slices_complete, tfma_agrees),
    "TFMA's verdict": (tfma_verdict,),
    "against the baselines": (beats_baseline,),
    "against the stable model": (no_regression,),
    "slice by slice": (no_slice_regression,),
    "what is listed": (coverage, calibration),
    "what it costs": (latency, size),
}
"""All checks by kind, in the order in which they are reported."""
