"""The evaluation as one HTML page for KFP: models, paired differences, slices."""

from collections.abc import Iterable
from pathlib import Path

from components.artifacts.evaluation import Delta, Evaluation, Slice
from components.reporting import number_format
from components.reporting.html_page import render as render_page
from components.reporting.page_parts import Page, Section, Table
from model.files import write_text
from tfx_configs.evaluation import REGRESSION_METRIC


def write_page(evaluation: Evaluation, path: Path) -> None:
    """Writes `render` of the evaluation."""
    write_text(path, render(evaluation))


def render(evaluation: Evaluation) -> str:
    """The HTML of the page."""
    candidate, models, paired = evaluation.candidate, evaluation.models, evaluation.paired
    version = evaluation.versions[candidate]
    overall = [[name, *(_number(models[model].get(name)) for model in models)] for name in models[candidate]]
    differences = [[other, *(_change(delta) for delta in of.values())] for other, of in paired.items()]
    slices = [_slice(row, models) for row in evaluation.slices]
    compared = next(iter(paired.values()), {})
    against = [f"against {other}" for other in paired]
    rivals = "The candidate against the others, on the same trips"
    judged = f"{evaluation.trips or 0:,} {evaluation.task.judged}; {evaluation.size_mb or 0:.1f} MB"
    return render_page(
        Page(
            title=f"Evaluation of {version}",
            subject="evaluation of a model",
            headline="Evaluation",
            lead=f"{version} on {judged}",
            sections=(
                _section("overall", "All trips", "", ["metric", *models], overall),
                _section("paired", rivals, "Difference and its 95 % interval.", ["model", *compared], differences),
                _section("slices", f"By slice: {REGRESSION_METRIC}", "", ["slice", "trips", *models, *against], slices),
            ),
        )
    )


def _section(name: str, title: str, lead: str, header: list[str], rows: list[list[str]]) -> Section:
    numeric = tuple(range(1, len(header)))
    label = f"Table: {title}"
    table = Table(title=label, header=tuple(header), rows=tuple(map(tuple, rows)), numeric=numeric, folded=False)
    return Section(id=name, title=title, lead=lead, tables=(table,))


def _slice(row: Slice, models: Iterable[str]) -> list[str]:
    values = [_number(row.models[name].get(REGRESSION_METRIC)) for name in models]
    against = [_change(row.delta(other, REGRESSION_METRIC)) for other in row.paired]
    return [row.name, f"{row.trips:,}", *values, *against]


def _change(delta: Delta) -> str:
    return number_format.difference(delta.interval) or "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
