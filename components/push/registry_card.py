"""The whole model card, beside the model in the registry: ROOT/cards/VERSION.md."""

from collections.abc import Iterator
from pathlib import Path

from components.artifacts.evaluation import Delta, Evaluation
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.validation import Validation
from components.artifacts.verdict import Verdict
from components.kfp_support.markdown_table import as_markdown, table_lines
from model.errors import InputError
from model.files import read_json, write_text
from model.package.manifest import TRAINING, read_manifest
from model.package.model_card import Facts, Judgement, model_card
from model.registry.model_registry import Registry
from tfx_configs.evaluation import REGRESSION_METRIC
from tfx_configs.settings import RunSettings

METRICS = ("recall@10", "ndcg@10", "phr@10", "repeat_recall@10", "explore_recall@10", "coverage@10")
PAIRED_METRICS = ("recall@10", "ndcg@10")


def write_card(
    registry: Registry, version: str, settings: RunSettings, verdict: Verdict, evaluation: Path, validation: Path
) -> Path:
    """Writes the card of a version in the registry, under its latest verdict; returns the file.

    Args:
        evaluation: what evaluate wrote. validation: what validate wrote.
    """
    directory, span = registry.path(version), Validation(validation).span
    manifest, training = read_manifest(directory), directory / TRAINING
    facts = Facts(
        kind=manifest.kind,
        cut_s=manifest.cut_s,
        items=manifest.items,
        retrieved=manifest.retrieved,
        ranked=manifest.ranked,
        score_is_probability=manifest.score_is_probability,
        libraries=manifest.libraries,
        training=read_json(training) if training.is_file() else None,
    )
    try:
        results = evaluation_lines(Evaluation.load(evaluation), settings.gate.min_slice_trips)
    except InputError:
        results = iter(["No evaluation could be read."])
    judgement = Judgement(
        version=version,
        settings=settings,
        events=span.events if span else None,
        days=span.days if span else None,
        lines=(*verdict_lines(verdict), *results),
    )
    file = registry.card(version)
    write_text(file, model_card(facts, judgement))
    return file


def page(outcome: PushOutcome, registry: Registry) -> str:
    """What push did, and below it the card of a version that the registry has, as Markdown."""
    card = registry.card(outcome.version)
    table = as_markdown("Push", outcome.model_dump())
    return table + (f"\n{card.read_text(encoding='utf-8')}" if card.exists() else "")


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict as Markdown; an override comes first."""
    failed = ", ".join(reason.check for reason in verdict.failed)
    if verdict.overridden and verdict.override:
        override = verdict.override
        yield f"**Blessed by override** of {override.by} at {override.at}: {override.reason}"
        yield f"These checks failed: {failed}."
    elif verdict.blessed:
        yield f"The gate blessed it: all {len(verdict.reasons)} checks passed."
    else:
        yield f"**The gate did not bless it**: {failed or 'no readable verdict'}."


def evaluation_lines(evaluation: Evaluation, least_trips: int) -> Iterator[str]:
    """The evaluation as Markdown tables. `least_trips`: of a slice that the gate judges."""
    span, trips = evaluation.span, evaluation.trips or 0
    yield ""
    yield f"On {trips:,} next baskets from {span.first} to {span.last}, all products ranked:"
    yield ""
    yield from table_lines(("ranker", *METRICS), _models(evaluation))
    yield ""
    yield "Against each on the same trips, with 95 % intervals over shoppers:"
    yield ""
    yield from table_lines(("ranker", *PAIRED_METRICS), _paired(evaluation))
    yield ""
    yield f"By slice, {REGRESSION_METRIC}; slices under {least_trips} trips are shown, the gate does not judge them:"
    yield ""
    yield from table_lines(("slice", "trips", "model", "best other", "difference"), _slices(evaluation))


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
    found = delta.interval
    return f"{delta.delta_pct:+.1f} %" + (f" ({found.low_pct:+.1f} to {found.high_pct:+.1f})" if found else "")
