"""The evaluation as one HTML page for KFP: models, paired differences, slices. Needs no network and no script."""

import string
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from components.artifacts.evaluation import Delta, Evaluation, Slice
from model.files import write_text
from tfx_configs.evaluation import REGRESSION_METRIC

_TEMPLATE = Path(__file__).with_name("page.html")


def write_page(evaluation: Evaluation, path: Path) -> None:
    """Writes `render` of the evaluation."""
    write_text(path, render(evaluation))


def render(evaluation: Evaluation) -> str:
    """The page."""
    candidate, models = evaluation.candidate, evaluation.models
    version = evaluation.versions[candidate]
    names = list(models[candidate])
    overall = _table(["", *models], ([name, *(_number(models[m].get(name)) for m in models)] for name in names))
    paired = _table(
        ["", *next(iter(evaluation.paired.values()), {})],
        ([other, *(_interval(delta) for delta in of.values())] for other, of in evaluation.paired.items()),
    )
    slices = _table(
        ["", "trips", *models, *(f"against {other}" for other in evaluation.paired)],
        (_slice(row, models) for row in evaluation.slices),
    )
    judged = f"{evaluation.trips or 0:,} first test trips of known shoppers; {evaluation.size_mb or 0:.1f} MB"
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=escape(version),
        says=escape(f"{version} on {judged}"),
        metric=REGRESSION_METRIC,
        overall=overall,
        paired=paired,
        slices=slices,
    )


def _slice(row: Slice, models: Iterable[str]) -> list[str]:
    values = [_number(row.models[name].get(REGRESSION_METRIC)) for name in models]
    against = [_interval(row.delta(other, REGRESSION_METRIC)) for other in row.paired]
    return [row.name, f"{row.trips:,}", *values, *against]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _interval(delta: Delta) -> str:
    found = delta.interval
    return f"{found.delta_pct:+.1f} [{found.low_pct:+.1f}, {found.high_pct:+.1f}]" if found else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
