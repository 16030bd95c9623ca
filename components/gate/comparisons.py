"""Checks of the candidate against the models it has to beat, on the same trips.

Slices are judged by their 95 % intervals without a correction for their number: a model as good as its rival fails a
slice only when chance shows a loss so far beyond the allowed one that the whole interval lies there, and a correction
for some thirty slices would widen every interval by half and hide harm to just the small groups that slices are for.
"""

from typing import Any

from components.gate.criteria import Expected, Missing, Reason, at, at_least, number
from tfx_configs.evaluation import GATE_METRICS, REGRESSION_METRIC
from tfx_configs.settings import GateSettings


def beats_baseline(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """On each gated metric at least the best baseline, and by a lead whose interval does not reach too low."""
    candidate, names, models = at(metrics, "candidate"), _baselines(metrics, settings), at(metrics, "models")
    reasons = []
    for metric in GATE_METRICS:
        best = _best(models, names, metric)
        reasons.append(_ratio(models, candidate, best, metric, settings.min_ratio_to_baseline, metric))
        lead = at(metrics, "paired", best)
        message = f"lower end of the lead over {best}, percent: {_interval(lead, metric)}"
        low = number(lead, metric, "low_pct")
        reasons.append(at_least(f"{metric} lead", low, settings.min_lead_low_percent, message))
    return reasons


def no_regression(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """Not worse than the blessed model over all trips, where there is one."""
    if "blessed" in metrics and metrics["blessed"] is None:
        return []
    models, blessed = at(metrics, "models"), at(metrics, "blessed")
    check = f"{REGRESSION_METRIC} of the blessed model"
    ratio = settings.min_ratio_to_blessed
    return [_ratio(models, at(metrics, "candidate"), blessed, REGRESSION_METRIC, ratio, check)]


def no_slice_regression(metrics: Any, settings: GateSettings, expected: Expected) -> list[Reason]:
    """In each slice of enough trips, no certain loss and no gross one, against the best baseline and the blessed model.

    Certain: the whole interval lies beyond the allowed loss. Gross: a ratio so low that chance is no excuse.
    """
    candidate, names = at(metrics, "candidate"), _baselines(metrics, settings)
    blessed = at(metrics, "blessed", may_be_none=True)
    reasons = []
    for row in at(metrics, "slices"):
        if number(row, "trips") < settings.min_slice_trips:
            continue
        rivals = [_best(at(row, "models"), names, REGRESSION_METRIC), *([blessed] if blessed is not None else [])]
        told = [_in_slice(row, candidate, rival, settings) for rival in rivals]
        reasons.append(min(told, key=lambda reason: (reason.passed, (reason.value or 0.0) - (reason.threshold or 0.0))))
    return reasons


def _in_slice(row: Any, candidate: str, rival: str, settings: GateSettings) -> Reason:
    models, limit = at(row, "models"), -settings.max_slice_loss_percent
    check = f"{at(row, 'slice')} {at(row, 'value')}"
    told = _ratio(models, candidate, rival, REGRESSION_METRIC, settings.min_slice_ratio, check)
    if number(models, rival, REGRESSION_METRIC) == 0:
        return told
    paired = at(row, "paired", rival)
    message = f"upper end against {rival}, percent: {_interval(paired, REGRESSION_METRIC)}"
    certain = at_least(check, number(paired, REGRESSION_METRIC, "high_pct"), limit, message)
    return certain if told.passed else told


def _best(models: Any, names: list[str], metric: str) -> str:
    return max(names, key=lambda name: (number(models, name, metric), name))


def _ratio(models: Any, candidate: str, rival: str, metric: str, ratio: float, check: str) -> Reason:
    """The candidate's metric against `ratio` times the rival's."""
    theirs, ours = number(models, rival, metric), number(models, candidate, metric)
    return at_least(check, ours, ratio * theirs, f"{metric} {ours:.4f}, {rival} {theirs:.4f}, at least {ratio:g} times")


def _interval(paired: Any, metric: str) -> str:
    delta, low, high = (number(paired, metric, name) for name in ("delta_pct", "low_pct", "high_pct"))
    return f"{metric} {delta:+.1f} ({low:+.1f} to {high:+.1f})"


def _baselines(metrics: Any, settings: GateSettings) -> list[str]:
    names = [str(name) for name in at(metrics, "baselines")]
    absent = sorted(set(settings.baselines) - set(names))
    if absent:
        raise Missing(f"expected the baseline {absent[0]} in metrics.json, got {', '.join(names) or 'none'}")
    return names
