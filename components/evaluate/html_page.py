"""The evaluation as one HTML page for KFP: models, paired differences, slices. Needs no network and no script."""

import string
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from model.files import read_json, write_text
from tfx_configs.evaluation import REGRESSION_METRIC

METRICS = "metrics.json"
_TEMPLATE = Path(__file__).with_name("page.html")


def slice_metrics(evaluation_dir: str) -> dict[str, float]:
    """{"shopper: new, ndcg@10": the candidate's mean}, undefined ones left out: KFP compares runs by them."""
    metrics = read_json(Path(evaluation_dir) / METRICS)
    found = ((row, row["models"][metrics["candidate"]].get(REGRESSION_METRIC)) for row in metrics["slices"])
    return {f"{_name(row)}, {REGRESSION_METRIC}": value for row, value in found if value is not None}


def write_page(evaluation_dir: str, page_path: str) -> None:
    """`render` of the metrics.json that evaluate wrote."""
    write_text(Path(page_path), render(read_json(Path(evaluation_dir) / METRICS)))


def render(metrics: Mapping[str, Any]) -> str:
    """The page. `metrics`: what components.evaluate.run.evaluate returns."""
    candidate, models = metrics["candidate"], metrics["models"]
    version = metrics["versions"][candidate]
    names = list(models[candidate])
    overall = _table(["", *models], ([name, *(_number(models[m].get(name)) for m in models)] for name in names))
    paired = _table(
        ["", *next(iter(metrics["paired"].values()), {})],
        ([other, *(_interval(one) for one in of.values())] for other, of in metrics["paired"].items()),
    )
    slices = _table(
        ["", "trips", *models, *(f"against {other}" for other in metrics["paired"])],
        (_slice(row, models) for row in metrics["slices"]),
    )
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        version=escape(version),
        says=escape(
            f"{version} on {metrics['trips']:,} first test trips of known shoppers; {metrics['size_mb']:.1f} MB"
        ),
        metric=REGRESSION_METRIC,
        overall=overall,
        paired=paired,
        slices=slices,
    )


def _slice(row: Mapping[str, Any], models: Iterable[str]) -> list[str]:
    values = [_number(row["models"][name].get(REGRESSION_METRIC)) for name in models]
    against = [_interval(of[REGRESSION_METRIC]) for of in row["paired"].values()]
    return [_name(row), f"{row['trips']:,}", *values, *against]


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['slice']}: {row['value']}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _interval(found: Mapping[str, float | None]) -> str:
    delta, low, high = found["delta_pct"], found["low_pct"], found["high_pct"]
    if delta is None or low is None or high is None:
        return "–"
    return f"{delta:+.1f} [{low:+.1f}, {high:+.1f}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
