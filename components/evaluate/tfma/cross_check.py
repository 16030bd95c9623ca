"""The thresholds that TFMA checks, from our numbers and the gate's settings, and its answer beside our numbers."""

import math
from pathlib import Path

from components.artifacts.evaluation import CrossCheck, Evaluation, Measured
from components.evaluate.metrics_report import Judged
from components.evaluate.tfma.runner import OVERALL, Outcome, SliceKey, Threshold, eval_config, run_tfma
from model.evaluation.ranking_metrics import ACROSS_TRIPS
from tfx_configs.beam import BeamSettings
from tfx_configs.evaluation import GATE_METRICS, REGRESSION_METRIC
from tfx_configs.settings import GateSettings

ROUNDING = 1e-9
"""Relative slack of a bound that one route computes and the other checks."""


def check_with_tfma(
    judged: Judged, evaluation: Evaluation, gate: GateSettings, out: Path, beam: BeamSettings = BeamSettings()
) -> CrossCheck:
    """Runs TFMA on the same trips and compares; TFMA's files go to `out`.

    Args:
        evaluation: our numbers, `models` and `slices`, with the names of candidate, stable model and baselines.
        beam: where TFMA runs.
    """
    reference = evaluation.stable or _best(evaluation, REGRESSION_METRIC)
    config = eval_config(judged, evaluation.candidate, reference, thresholds(evaluation, gate))
    return compare(run_tfma(judged, out, config, beam), evaluation, len(judged.baskets))


def thresholds(evaluation: Evaluation, gate: GateSettings) -> list[Threshold]:
    """Value thresholds: at least the best baseline's value. Change thresholds: no regression against the stable model.

    Without a stable model the change threshold is against the best baseline. In a slice the best is that of all trips,
    as in components/gate/checks.py.
    """
    stable = evaluation.stable

    def bound(measured: Measured, metric: str, ratio: float) -> float:
        return ratio * _value(measured, _best(evaluation, metric), metric) * (1 - ROUNDING)

    ratio = gate.min_ratio_to_blessed if stable else gate.min_ratio_to_baseline
    asked = [
        Threshold(
            metric=metric,
            slice=OVERALL,
            at_least=bound(evaluation, metric, gate.min_ratio_to_baseline),
            ratio=ratio if metric == REGRESSION_METRIC else None,
        )
        for metric in GATE_METRICS
    ]
    for row in evaluation.slices:
        if row.trips >= gate.min_slice_trips:
            # TFMA's relative change is undefined, and fails, where the reference has no hit at all.
            changed = stable and _value(row, stable, REGRESSION_METRIC) > 0
            asked.append(
                Threshold(
                    metric=REGRESSION_METRIC,
                    slice=(row.slice, row.value),
                    at_least=bound(row, REGRESSION_METRIC, gate.min_slice_ratio),
                    ratio=gate.min_slice_ratio if changed else None,
                )
            )
    return asked


def compare(outcome: Outcome, evaluation: Evaluation, trips: int) -> CrossCheck:
    """TFMA's outcome beside our numbers; a slice that only one side has makes `counts_agree` false."""
    counts: dict[SliceKey, int] = {(row.slice, row.value): row.trips for row in evaluation.slices}
    ours = {(row.slice, row.value): row.models for row in evaluation.slices} | {OVERALL: evaluation.models}
    differences = [
        _difference(value, outcome.values.get(key, {}).get(name, {}).get(metric))
        for key, models in ours.items()
        for name, model in models.items()
        for metric, value in model.items()
        if metric not in ACROSS_TRIPS
    ]
    return CrossCheck(
        verdict=outcome.verdict,
        failures=tuple(sorted(outcome.failures)),
        example_count=outcome.examples.get(OVERALL, 0),
        counts_agree=outcome.examples == counts | {OVERALL: trips},
        max_difference=max(differences),
    )


def _difference(ours: float | None, theirs: float | None) -> float:
    """Infinite when only one side has the value; TFMA's NaN is our None."""
    if theirs is None:
        return math.inf
    if ours is None or math.isnan(theirs):
        return 0.0 if ours is None and math.isnan(theirs) else math.inf
    return abs(ours - theirs)


def _best(evaluation: Evaluation, metric: str) -> str:
    """The baseline that is best over all trips."""
    return max(evaluation.baselines, key=lambda name: (_value(evaluation, name, metric), name))


def _value(measured: Measured, model: str, metric: str) -> float:
    """0 where it is undefined."""
    return measured.models[model][metric] or 0.0
