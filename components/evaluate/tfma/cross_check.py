"""What TFMA is asked, from our numbers and the gate's settings, and how its answer compares with our numbers."""

import math
import tempfile
from pathlib import Path
from typing import Any

from components.evaluate.metrics_report import Judged
from components.evaluate.tfma.runner import OVERALL, Outcome, SliceKey, Threshold, eval_config, run_tfma, write_examples
from model.evaluation.ranking_metrics import ACROSS_TRIPS
from tfx_configs.evaluation import GATE_METRICS, REGRESSION_METRIC
from tfx_configs.settings import GateSettings

ROUNDING = 1e-9
"""Relative slack of a bound that one route computes and the other checks."""


def check_with_tfma(
    judged: Judged, report: dict[str, Any], candidate: str, blessed: str | None, gate: GateSettings, out: Path
) -> dict[str, Any]:
    """Runs TFMA on the same trips; its files go to `out`.

    Args:
        report: {models, slices} as in metrics.json.

    Returns:
        {verdict (None: none was given), failures, example_count, counts_agree, max_difference}.
    """
    baselines = [name for name in judged.items if name not in (candidate, blessed)]
    best = max(baselines, key=lambda name: _at(report["models"], name, REGRESSION_METRIC))
    config = eval_config(
        list(judged.items),
        candidate,
        blessed or best,
        list(judged.slices),
        thresholds(report, baselines, blessed, gate),
    )
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "trips.tfrecord"
        write_examples(data, judged)
        outcome = run_tfma(data, out, config)
    return compare(outcome, report, len(judged.baskets))


def thresholds(
    report: dict[str, Any], baselines: list[str], blessed: str | None, gate: GateSettings
) -> list[Threshold]:
    """Value thresholds: at least the best baseline's value. Change thresholds: no regression against the blessed model.

    Without a blessed model the change threshold is against the best baseline.
    """
    ratio = gate.min_ratio_to_blessed if blessed else gate.min_ratio_to_baseline
    asked = [
        Threshold(
            metric=metric,
            slice=OVERALL,
            at_least=_bound(report["models"], baselines, metric, gate.min_ratio_to_baseline),
            ratio=ratio if metric == REGRESSION_METRIC else None,
        )
        for metric in GATE_METRICS
    ]
    for row in report["slices"]:
        if row["trips"] >= gate.min_slice_trips:
            # TFMA's relative change is undefined, and fails, where the reference has no hit at all.
            changed = blessed and _at(row["models"], blessed, REGRESSION_METRIC) > 0
            asked.append(
                Threshold(
                    metric=REGRESSION_METRIC,
                    slice=(row["slice"], row["value"]),
                    at_least=_bound(row["models"], baselines, REGRESSION_METRIC, gate.min_slice_ratio),
                    ratio=gate.min_slice_ratio if changed else None,
                )
            )
    return asked


def compare(outcome: Outcome, report: dict[str, Any], trips: int) -> dict[str, Any]:
    """TFMA's outcome in metrics.json's form; a slice that only one side has makes `counts_agree` false."""
    counts: dict[SliceKey, int] = {(row["slice"], row["value"]): row["trips"] for row in report["slices"]}
    ours = {(row["slice"], row["value"]): row["models"] for row in report["slices"]} | {OVERALL: report["models"]}
    differences = [
        _difference(value, outcome.values.get(key, {}).get(name, {}).get(metric))
        for key, models in ours.items()
        for name, model in models.items()
        for metric, value in model.items()
        if metric not in ACROSS_TRIPS
    ]
    worst = max(differences)
    return {
        "verdict": outcome.verdict,
        "failures": sorted(outcome.failures),
        "example_count": outcome.examples.get(OVERALL, 0),
        "counts_agree": outcome.examples == counts | {OVERALL: trips},
        "max_difference": worst if math.isfinite(worst) else None,
    }


def _difference(ours: float | None, theirs: float | None) -> float:
    """Infinite when only one side has the value; TFMA's NaN is our None."""
    if theirs is None:
        return math.inf
    if ours is None or math.isnan(theirs):
        return 0.0 if ours is None and math.isnan(theirs) else math.inf
    return abs(ours - theirs)


def _bound(models: dict[str, Any], baselines: list[str], metric: str, ratio: float) -> float:
    return ratio * max(_at(models, name, metric) for name in baselines) * (1 - ROUNDING)


def _at(models: dict[str, Any], name: str, metric: str) -> float:
    """The value, 0 where it is undefined."""
    return models[name][metric] or 0.0
