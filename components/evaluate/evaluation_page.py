"""The evaluation as one HTML page for KFP: models, paired differences, slices."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.reporting import number_format
from components.reporting.html_page import render as render_page
from components.reporting.page_parts import Page, Section, Table
from model.files import read_json, write_text
from tfx_configs.evaluation import REGRESSION_METRIC

METRICS = "metrics.json"


def slice_metrics(evaluation_dir: str) -> dict[str, float]:
    """{"shopper: new, ndcg@10": the candidate's mean}, undefined ones left out: KFP compares runs by them."""
    metrics = read_json(Path(evaluation_dir) / METRICS)
    means = ((row, row["models"][metrics["candidate"]].get(REGRESSION_METRIC)) for row in metrics["slices"])
    return {f"{_name(row)}, {REGRESSION_METRIC}": mean for row, mean in means if mean is not None}


def write_page(evaluation_dir: str, page_path: str) -> None:
    """Writes `render` of the metrics.json that evaluate wrote."""
    write_text(Path(page_path), render(read_json(Path(evaluation_dir) / METRICS)))


def render(metrics: Mapping[str, Any]) -> str:
    """The HTML of the page. `metrics`: what components.evaluate.run.evaluate returns."""
    candidate, models, paired = metrics["candidate"], metrics["models"], metrics["paired"]
    version = metrics["versions"][candidate]
    overall = [[name, *(_number(models[model].get(name)) for model in models)] for name in models[candidate]]
    differences = [[other, *(_change(change) for change in of.values())] for other, of in paired.items()]
    slices = [_slice(row, models) for row in metrics["slices"]]
    compared: Mapping[str, Any] = next(iter(paired.values()), {})
    against = [f"against {other}" for other in paired]
    rivals = "The candidate against the others, on the same trips"
    return render_page(
        Page(
            title=f"Evaluation of {version}",
            subject="evaluation of a model",
            headline="Evaluation",
            lead=f"{version} on {metrics['trips']:,} first test trips of known shoppers; {metrics['size_mb']:.1f} MB",
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


def _slice(row: Mapping[str, Any], models: Iterable[str]) -> list[str]:
    values = [_number(row["models"][name].get(REGRESSION_METRIC)) for name in models]
    against = [_change(of[REGRESSION_METRIC]) for of in row["paired"].values()]
    return [_name(row), f"{row['trips']:,}", *values, *against]


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['slice']}: {row['value']}"


def _change(change: Mapping[str, float | None]) -> str:
    return number_format.change_with_interval(change["delta_pct"], change["low_pct"], change["high_pct"]) or "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
