"""Evaluate: candidate, stable model and baselines on the same trips, overall and by slice."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.artifacts.evaluation import TFMA, Evaluation, Latency, Measured, Span
from components.artifacts.examples import Examples
from components.artifacts.trip_values import TripValues
from components.evaluate import metrics_report as report
from components.evaluate.metrics_report import Judged
from components.evaluate.predictions import latency_ms, lists
from components.evaluate.shelves import AGAIN, NEW, Parts, shelf_values, types_of
from components.evaluate.slices import slice_values
from components.evaluate.source_ablation import without_each
from components.kfp_support.progress import progress
from model.api import Model, Ranked
from model.errors import InputError
from model.evaluation.next_basket_task import load_task
from model.files import atomic_directory
from model.package import loaded_model as package
from tfx_configs.beam import BeamSettings
from tfx_configs.evaluation import CANDIDATE, LIST_LENGTH, STABLE, EvaluationSettings
from tfx_configs.settings import GateSettings

MB = 1e6


def evaluate_models(
    *,
    examples: Path,
    candidate: Path,
    baselines: Path,
    stable: Path | None,
    out: Path,
    gate: GateSettings,
    code_version: str = "",
    plan: EvaluationSettings = EvaluationSettings(),
    beam: BeamSettings = BeamSettings(),
    load: Callable[[Path], Model] = package.load,
) -> Evaluation:
    """Evaluates all models on the first test trip of every known shopper.

    Args:
        candidate, stable: model directories; None when no trained model is stable.
        baselines: directory with a model directory a baseline, named after it.
        out: directory of the evaluation, replaced in one step.
        gate: thresholds that TFMA checks as well.
        beam: where TFMA runs.

    Raises:
        InputError: there is no baseline, no trip to judge, or no such runner of Beam.
        StageFailed: a model broke its contract, or the runner broke off.
    """
    simple = {path.name: path for path in sorted(baselines.iterdir()) if path.is_dir()}
    if not simple:
        raise InputError(f"expected at least one baseline in {baselines}, found none; run the step baselines")
    models = {CANDIDATE: candidate} | simple | ({STABLE: stable} if stable else {})
    from components.evaluate.tfma.cross_check import check_with_tfma

    task = load_task(examples)
    catalog = Examples(examples).catalog()
    items, scores, versions = {}, {}, {}
    parts, by_shelf = Parts.of(task, types_of(catalog)), {}
    ranked: list[Ranked] = []
    latency = Latency()
    for name, directory in models.items():
        progress(f"{name} on {len(task.trip_N):,} trips")
        model = load(directory)
        versions[name] = model.version
        listed = lists(model, task.trips, task.trip_N, LIST_LENGTH, plan.batch, detail=name == CANDIDATE)
        items[name] = listed.items_Nk
        if model.score_is_probability:
            scores[name] = listed.score_Nk
        if not task.trips.task.new_only:
            by_shelf[name] = shelf_values(model, task, parts, plan.batch)
        if name == CANDIDATE:
            ranked = listed.ranked
            latency = latency_ms(model, task.trips, task.trip_N[: plan.latency_requests])
    slices = slice_values(task, catalog, pd.read_parquet(Examples(examples).items), plan.top_values)
    judged = Judged.of(task, items, slices, scores)
    evaluation = Evaluation(
        candidate=CANDIDATE,
        stable=STABLE if stable else None,
        baselines=tuple(simple),
        versions=versions,
        code_version=code_version,
        task=task.trips.task,
        digest=task.digest,
        span=Span(**task.span),
        trips=len(task.trip_N),
        active_items=len(catalog.active_items()),
        models=report.overall(judged, len(catalog.active_items())),
        slices=tuple(report.by_slice(judged, CANDIDATE, plan)),
        paired=report.paired(judged.values, CANDIDATE, plan),
        intervals=report.intervals(judged.values, plan),
        shelves=report.measured(by_shelf, CANDIDATE, plan, (AGAIN, NEW)) if by_shelf else Measured(),
        sources=tuple(without_each(ranked, task.trips.item_ids, judged, plan)),
        reliability=tuple(judged.curves.get(CANDIDATE, ())),
        latency=latency,
        size_mb=sum(path.stat().st_size for path in candidate.rglob("*") if path.is_file()) / MB,
    )
    progress("TFMA on the same trips, by slice")
    with atomic_directory(out) as fresh:
        tfma = check_with_tfma(judged, evaluation, gate, fresh / TFMA, beam)
        TripValues(models=judged.values, slices=judged.slices).save(fresh)
        evaluation.model_copy(update={"tfma": tfma}).save(fresh)
    return Evaluation.load(out)
