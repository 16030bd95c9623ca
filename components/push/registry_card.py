"""The whole model card, beside the model in the registry: ROOT/cards/VERSION.md."""

from collections.abc import Iterator
from pathlib import Path

from components.artifacts.evaluation import Delta, Evaluation
from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.validation import Validation
from components.artifacts.verdict import Verdict
from components.kfp_support.markdown_table import as_markdown, table_lines
from model.errors import InputError
from model.files import read_json, write_text
from model.package.manifest import TRAINING, read_manifest
from model.package.model_card import Judgement, fill, model_card
from model.registry.model_registry import Registry
from tfx_configs.evaluation import REGRESSION_METRIC
from tfx_configs.settings import RunSettings

METRICS = ("recall@10", "ndcg@10", "phr@10", "repeat_recall@10", "explore_recall@10", "coverage@10")
PAIRED_METRICS = ("recall@10", "ndcg@10")
SLICE_HEADER = ("slice", "trips", "model", "best other", "difference")


def write_card(
    registry: Registry, version: str, settings: RunSettings, verdict: Verdict, evaluation: Path, validation: Path
) -> Path:
    """Writes the card of a version in the registry, under its latest verdict; returns the file.

    Args:
        evaluation: what evaluate wrote. validation: what validate wrote.
    """
    directory, span = registry.path(version), Validation(validation).span
    training = directory / TRAINING
    judgement = Judgement(
        version=version,
        settings=settings,
        events=span.events if span else None,
        days=span.days if span else None,
        results=results(verdict, evaluation, settings.gate.min_slice_trips),
    )
    file = registry.card(version)
    trained = read_json(training) if training.is_file() else None
    write_text(file, model_card(read_manifest(directory), training=trained, judgement=judgement))
    return file


def page(outcome: PushOutcome, registry: Registry, first: FirstStable) -> str:
    """What push did, which baseline serves until a model is blessed, and the card of a version that the registry has,
    as Markdown."""
    card = registry.card(outcome.version)
    table = as_markdown("Push", outcome.model_dump())
    choice = as_markdown("First stable model", first.model_dump())
    return f"{table}\n{choice}" + (f"\n{card.read_text(encoding='utf-8')}" if card.exists() else "")


def results(verdict: Verdict, directory: Path, least_trips: int) -> str:
    """The verdict, an override first, and the evaluation. `least_trips`: of a slice that the gate judges."""
    try:
        evaluation = Evaluation.load(directory)
    except InputError:
        evaluation = None
    return fill(
        Path(__file__).with_name("results.md.j2"),
        verdict=verdict,
        evaluation=evaluation,
        models=table_lines(("ranker", *METRICS), _models(evaluation)) if evaluation else (),
        paired=table_lines(("ranker", *PAIRED_METRICS), _paired(evaluation)) if evaluation else (),
        slices=table_lines(SLICE_HEADER, _slices(evaluation)) if evaluation else (),
        slice_metric=REGRESSION_METRIC,
        least_trips=least_trips,
    )


def _models(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    for name, values in sorted(evaluation.models.items(), key=lambda pair: -(pair[1].get("ndcg@10") or 0.0)):
        yield (name, *(_number(values.get(metric)) for metric in METRICS))


def _paired(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    for name in sorted(evaluation.paired):
        yield (f"against {name}", *(_interval(evaluation.delta(name, metric)) for metric in PAIRED_METRICS))


def _slices(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    for row in evaluation.slices:
        means = {name: values.get(REGRESSION_METRIC) for name, values in row.models.items()}
        own = means.pop(evaluation.candidate, None)
        best = max(means, key=lambda name: means[name] or 0.0, default="")
        difference = _interval(row.delta(best, REGRESSION_METRIC))
        yield row.name, f"{row.trips:,}", _number(own), f"{best} {_number(means.get(best))}", difference


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _interval(delta: Delta) -> str:
    if delta.delta_pct is None:
        return ""
    interval = delta.interval
    return f"{delta.delta_pct:+.1f} %" + (f" ({interval.low_pct:+.1f} to {interval.high_pct:+.1f})" if interval else "")
