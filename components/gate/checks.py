"""The gate's checks, one function each: (evaluation, settings, expected data) -> reasons.

A check that compares with a baseline has three answers (components/gate/lead.py); every other one has two.
A check raises Missing when the evaluation lacks what it needs; the gate counts that as a no.

Slices are judged by their 95 % intervals without a correction for their number: a model as good as its rival fails a
slice only when chance shows a loss so far beyond the allowed one that the whole interval lies there, and a correction
for some thirty slices would widen every interval by half and hide harm to just the small groups that slices are for.
"""

import dataclasses

from components.artifacts.evaluation import Evaluation, Measured, Missing, Slice, missed, required
from components.artifacts.verdict import Reason
from components.gate.lead import advice, lead_reason
from model.evaluation.ranking_metrics import CALIBRATION_ERROR, CALIBRATION_RATIO, COVERAGE, Interval
from tfx_configs.evaluation import ALWAYS_SLICES, BASELINES, GATE_METRICS, MAX_TFMA_DIFFERENCE, REGRESSION_METRIC
from tfx_configs.settings import GateSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What the evaluation must have been computed on."""

    digest: str
    """Task.digest of the run's examples."""
    trips: int
    """Judged trips in them."""


def equal(check: str, value: float, wanted: float, message: str) -> Reason:
    """Passes when the value is the wanted one."""
    return Reason(check=check, passed=value == wanted, value=value, threshold=wanted, message=message)


def at_most(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes up to the limit, itself included."""
    return Reason(check=check, passed=value <= limit, value=value, threshold=limit, message=message)


def at_least(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes from the limit on, itself included."""
    return Reason(check=check, passed=value >= limit, value=value, threshold=limit, message=message)


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
    """TFMA's own thresholds hold. No verdict means no; a threshold that is not proven to be missed is not proven."""
    holds = required(evaluation.tfma.verdict, "tfma.verdict")
    failures = required(evaluation.tfma.failures, "tfma.failures")
    passed = holds and not failures
    kinds = ("value",) if evaluation.stable else ("value", "change")
    unproven = [name for name in GATE_METRICS if failures and _ratio_to_baseline(evaluation, settings, name).unproven]
    begins = tuple(missed(metric, kind) for metric in unproven for kind in kinds)
    return [
        Reason(
            check="tfma",
            passed=passed,
            unproven=bool(failures) and all(line.startswith(begins) for line in failures),
            message="all thresholds hold"
            if passed
            else f"TFMA's thresholds fail: {'; '.join(failures) or 'no reason given'}",
        )
    ]


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


def beats_baseline(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """On each gated metric: certainly worse than no baseline, at least the best one, and by a lead that is proven."""
    baselines, trips = _baselines(evaluation, settings), required(evaluation.trips, "trips")
    reasons = []
    for metric in GATE_METRICS:
        best = _best(evaluation, baselines, metric)
        lead = evaluation.interval(best, metric)
        what = f"the lead over {best}, percent: {_lead(lead, metric)}"
        reasons += [
            _not_worse(evaluation, baselines, metric),
            _ratio_to_baseline(evaluation, settings, metric),
            lead_reason(f"{metric} lead", lead, settings.min_lead_low_percent, trips, what),
        ]
    return reasons


def no_regression(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not worse than the stable model over all trips, where there is one."""
    if evaluation.stable is None:
        return []
    stable, check = required(evaluation.stable, "blessed"), f"{REGRESSION_METRIC} of the stable model"
    ratio = settings.min_ratio_to_blessed
    return [_ratio(evaluation, _candidate(evaluation), stable, REGRESSION_METRIC, ratio, check)]


def no_slice_regression(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """In each slice of enough trips, no certain loss and no gross one, against the best baseline and the stable model.

    Certain: the whole interval lies beyond the allowed loss. Gross: a ratio so low that chance is no excuse. The best
    baseline is that of all trips, which would serve instead: the best of each slice is known only afterwards, and
    where a slice is of trips that went one way, a baseline that knows no other way is best there by construction.
    """
    candidate, baselines = _candidate(evaluation), _baselines(evaluation, settings)
    rivals = [_best(evaluation, baselines, REGRESSION_METRIC), *([evaluation.stable] if evaluation.stable else [])]
    reasons = []
    for row in evaluation.slices:
        if row.trips < settings.min_slice_trips:
            continue
        judged = [_in_slice(row, candidate, rival, settings) for rival in rivals]
        reasons.append(
            min(judged, key=lambda reason: (reason.passed, (reason.value or 0.0) - (reason.threshold or 0.0)))
        )
    return reasons


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


def _not_worse(evaluation: Evaluation, baselines: list[str], metric: str) -> Reason:
    """No baseline is better with 95 % certainty, whatever the settings allow."""
    leads = {name: evaluation.interval(name, metric) for name in baselines if evaluation.metric(name, metric) > 0}
    worst = min(leads, key=lambda name: leads[name].high_pct, default=None)
    if worst is None:
        raise Missing(f"expected a baseline with a {metric} above 0, got none")
    message = f"upper end against {worst}, percent: {_lead(leads[worst], metric)}"
    return at_least(f"{metric} not worse", leads[worst].high_pct, 0.0, message)


def _ratio_to_baseline(evaluation: Evaluation, settings: GateSettings, metric: str) -> Reason:
    """At least so many times the best baseline; not proven while the interval of the ratio reaches that."""
    best, ratio = _best(evaluation, _baselines(evaluation, settings), metric), settings.min_ratio_to_baseline
    reason = _ratio(evaluation, _candidate(evaluation), best, metric, ratio, metric)
    lead, limit = evaluation.interval(best, metric), 100 * (ratio - 1)
    if reason.passed or lead.high_pct < limit:
        return reason
    message = f"{reason.message}; {advice(None, lead, limit, 0)}"
    return reason.model_copy(update={"unproven": True, "message": message})


def _in_slice(row: Slice, candidate: str, rival: str, settings: GateSettings) -> Reason:
    check = f"{row.slice} {row.value}"
    gross = _ratio(row, candidate, rival, REGRESSION_METRIC, settings.min_slice_ratio, check)
    if row.metric(rival, REGRESSION_METRIC) == 0:
        return gross
    lead = row.interval(rival, REGRESSION_METRIC)
    message = f"upper end against {rival}, percent: {_lead(lead, REGRESSION_METRIC)}"
    certain = at_least(check, lead.high_pct, -settings.max_slice_loss_percent, message)
    return certain if gross.passed else gross


def _best(measured: Measured, models: list[str], metric: str) -> str:
    return max(models, key=lambda model: (measured.metric(model, metric), model))


def _ratio(measured: Measured, candidate: str, rival: str, metric: str, ratio: float, check: str) -> Reason:
    """The candidate's metric against `ratio` times the rival's."""
    theirs, ours = measured.metric(rival, metric), measured.metric(candidate, metric)
    return at_least(check, ours, ratio * theirs, f"{metric} {ours:.4f}, {rival} {theirs:.4f}, at least {ratio:g} times")


def _lead(lead: Interval, metric: str) -> str:
    return f"{metric} {lead.delta_pct:+.1f} ({lead.low_pct:+.1f} to {lead.high_pct:+.1f})"


def _candidate(evaluation: Evaluation) -> str:
    return required(evaluation.candidate, "candidate")


def _baselines(evaluation: Evaluation, settings: GateSettings) -> list[str]:
    names = list(evaluation.baselines)
    absent = sorted(set(settings.baselines or BASELINES) - set(names))
    if absent:
        raise Missing(f"expected the baseline {absent[0]} in the evaluation, got {', '.join(names) or 'none'}")
    return names
