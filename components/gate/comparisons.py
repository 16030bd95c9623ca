"""Checks of the candidate against the models it has to beat, on the same trips.

Slices are judged by their 95 % intervals without a correction for their number: a model as good as its rival fails a
slice only when chance shows a loss so far beyond the allowed one that the whole interval lies there, and a correction
for some thirty slices would widen every interval by half and hide harm to just the small groups that slices are for.
"""

from components.artifacts.evaluation import Evaluation, Measured, Missing, Slice, required
from components.artifacts.verdict import Reason
from components.gate.criteria import Expected, at_least
from model.evaluation.ranking_metrics import Interval
from tfx_configs.evaluation import GATE_METRICS, REGRESSION_METRIC
from tfx_configs.settings import GateSettings


def beats_baseline(evaluation: Evaluation, settings: GateSettings, expected: Expected) -> list[Reason]:
    """On each gated metric at least the best baseline, and by a lead whose interval does not reach too low."""
    baselines = _baselines(evaluation, settings)
    reasons = []
    for metric in GATE_METRICS:
        best = _best(evaluation, baselines, metric)
        reasons.append(_ratio(evaluation, _candidate(evaluation), best, metric, settings.min_ratio_to_baseline, metric))
        lead = evaluation.interval(best, metric)
        message = f"lower end of the lead over {best}, percent: {_text(lead, metric)}"
        reasons.append(at_least(f"{metric} lead", lead.low_pct, settings.min_lead_low_percent, message))
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

    Certain: the whole interval lies beyond the allowed loss. Gross: a ratio so low that chance is no excuse.
    """
    candidate, baselines = _candidate(evaluation), _baselines(evaluation, settings)
    stable = [evaluation.stable] if evaluation.stable else []
    reasons = []
    for row in evaluation.slices:
        if row.trips < settings.min_slice_trips:
            continue
        rivals = [_best(row, baselines, REGRESSION_METRIC), *stable]
        judged = [_in_slice(row, candidate, rival, settings) for rival in rivals]
        reasons.append(
            min(judged, key=lambda reason: (reason.passed, (reason.value or 0.0) - (reason.threshold or 0.0)))
        )
    return reasons


def _in_slice(row: Slice, candidate: str, rival: str, settings: GateSettings) -> Reason:
    check = f"{row.slice} {row.value}"
    gross = _ratio(row, candidate, rival, REGRESSION_METRIC, settings.min_slice_ratio, check)
    if row.metric(rival, REGRESSION_METRIC) == 0:
        return gross
    lead = row.interval(rival, REGRESSION_METRIC)
    message = f"upper end against {rival}, percent: {_text(lead, REGRESSION_METRIC)}"
    certain = at_least(check, lead.high_pct, -settings.max_slice_loss_percent, message)
    return certain if gross.passed else gross


def _best(measured: Measured, models: list[str], metric: str) -> str:
    return max(models, key=lambda model: (measured.metric(model, metric), model))


def _ratio(measured: Measured, candidate: str, rival: str, metric: str, ratio: float, check: str) -> Reason:
    """The candidate's metric against `ratio` times the rival's."""
    theirs, ours = measured.metric(rival, metric), measured.metric(candidate, metric)
    return at_least(check, ours, ratio * theirs, f"{metric} {ours:.4f}, {rival} {theirs:.4f}, at least {ratio:g} times")


def _text(lead: Interval, metric: str) -> str:
    return f"{metric} {lead.delta_pct:+.1f} ({lead.low_pct:+.1f} to {lead.high_pct:+.1f})"


def _candidate(evaluation: Evaluation) -> str:
    return required(evaluation.candidate, "candidate")


def _baselines(evaluation: Evaluation, settings: GateSettings) -> list[str]:
    names = list(evaluation.baselines)
    absent = sorted(set(settings.baselines) - set(names))
    if absent:
        raise Missing(f"expected the baseline {absent[0]} in the evaluation, got {', '.join(names) or 'none'}")
    return names
