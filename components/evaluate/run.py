"""Evaluate: candidate, blessed model and baselines on the same trips, overall and by slice.

Writes metrics.json and TFMA's own output (tfma/).
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from components.artifacts.examples import Examples
from components.evaluate import metrics_report as report
from components.evaluate.evaluation_page import METRICS
from components.evaluate.predictions import latency_ms, lists
from components.evaluate.slices import slice_values
from components.evaluate.source_ablation import without_each
from components.kfp_support.progress import progress
from model.api import Model, Ranked
from model.errors import InputError
from model.evaluation.next_basket_task import load_task
from model.files import atomic_directory, write_json
from model.package import loaded_model as package
from tfx_configs.evaluation import BLESSED, CANDIDATE, LIST_LENGTH, EvaluationSettings
from tfx_configs.settings import GateSettings, RunSettings

MB = 1e6


def evaluate_models(
    settings: str,
    examples_dir: str,
    candidate_dir: str,
    baselines_dir: str,
    blessed_dir: str,
    evaluation_dir: str,
    code_version: str,
) -> dict[str, float]:
    """The stage: `evaluate` on the directories of a run.

    Args:
        settings: RunSettings as JSON.
        baselines_dir: one model directory a baseline, named after it.
        blessed_dir: model directory, or "" when no model was ever blessed.
        evaluation_dir: replaced in one step.

    Returns:
        The candidate's metrics, undefined ones left out.
    """
    models = {CANDIDATE: Path(candidate_dir)}
    models |= {path.name: path for path in sorted(Path(baselines_dir).iterdir()) if path.is_dir()}
    if blessed_dir:
        models[BLESSED] = Path(blessed_dir)
    result = evaluate(
        Path(examples_dir),
        models,
        CANDIDATE,
        BLESSED if blessed_dir else None,
        Path(evaluation_dir),
        RunSettings.from_json(settings).gate,
        code_version=code_version,
    )
    return {name: value for name, value in result["models"][CANDIDATE].items() if value is not None}


def evaluate(
    examples: Path,
    models: dict[str, Path],
    candidate: str,
    blessed: str | None,
    out: Path,
    gate: GateSettings,
    *,
    plan: EvaluationSettings = EvaluationSettings(),
    code_version: str = "",
    load: Callable[[Path], Model] = package.load,
) -> dict[str, Any]:
    """Evaluates all models on the first test trip of every known shopper; returns what metrics.json holds.

    Args:
        models: {name: model directory}; every name but `candidate` and `blessed` is a baseline.
        gate: thresholds that TFMA checks as well.

    Raises:
        InputError: the candidate or every baseline is missing from `models`, or there is no trip to judge.
        StageFailed: a model broke its contract.
    """
    baselines = [name for name in models if name not in (candidate, blessed)]
    if candidate not in models or not baselines:
        raise InputError(f"expected {candidate} and at least one baseline, got {', '.join(models) or 'no model'}")
    from components.evaluate.tfma.cross_check import check_with_tfma

    task = load_task(examples)
    catalog = Examples(examples).catalog()
    items, scores, versions, latency = {}, {}, {}, {}
    ranked: list[Ranked] = []
    for name, directory in models.items():
        progress(f"{name} on {len(task.trip_N):,} trips")
        model = load(directory)
        versions[name] = model.version
        listed = lists(model, task.trips, task.trip_N, LIST_LENGTH, plan.batch, detail=name == candidate)
        items[name] = listed.items_Nk
        if model.score_is_probability:
            scores[name] = listed.score_Nk
        if name == candidate:
            ranked = listed.ranked
            latency = latency_ms(model, task.trips, task.trip_N[: plan.latency_requests])
    slices = slice_values(task, catalog, pd.read_parquet(Examples(examples).items), plan.top_values)
    judged = report.judge(task, items, slices, scores)
    values, reliable = report.by_trip(judged), report.curves(judged)
    result: dict[str, Any] = {
        "candidate": candidate,
        "blessed": blessed,
        "baselines": baselines,
        "versions": versions,
        "code_version": code_version,
        "digest": task.digest,
        "span": task.span,
        "trips": len(task.trip_N),
        "active_items": len(catalog.active_items()),
        "models": report.overall(judged, values, reliable, len(catalog.active_items())),
        "slices": report.by_slice(judged, values, candidate, plan),
        "paired": report.paired(values, candidate, plan),
        "intervals": report.intervals(values, plan),
        "sources": without_each(ranked, task.trips.item_ids, judged, plan),
        "reliability": [dataclasses.asdict(one) for one in reliable.get(candidate, [])],
        "latency": latency,
        "size_mb": sum(path.stat().st_size for path in models[candidate].rglob("*") if path.is_file()) / MB,
    }
    progress("TFMA on the same trips, by slice")
    with atomic_directory(out) as fresh:
        result["tfma"] = check_with_tfma(judged, result, candidate, blessed, gate, fresh / "tfma")
        write_json(fresh / METRICS, result)
    return result
