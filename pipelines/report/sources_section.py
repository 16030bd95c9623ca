"""What the candidate's ranking is without each of its candidate sources: as much of an ablation as one run knows."""

from typing import Any

from components.reporting import number_format as words
from components.reporting.charts import Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Section, Table
from model.evaluation.ranking_metrics import EXPLORE_RECALL
from pipelines.report.run_files import Sources
from tfx_configs.evaluation import REGRESSION_METRIC

NAMES = {"bought_before": "bought before", "similar_taste": "similar taste (towers)", "popular": "popular now"}
SHOWN = (REGRESSION_METRIC, EXPLORE_RECALL)


def section(sources: Sources) -> Section | None:
    """The loss of each metric without each source; None where the run measured none."""
    found: list[dict[str, Any]] = sources.metrics.get("sources", [])
    charts = tuple(chart for metric in SHOWN if (chart := _chart(found, metric)))
    if not charts:
        return None
    return Section(
        id="parts",
        title="Ablation: without each candidate source",
        lead=(
            "One source of candidates is taken away, and the places go to the next in the same ranking. "
            "Parts of the network cannot be taken away from a trained model: that needs another training and is a "
            "benchmark's work (docs/quality.md)."
        ),
        figures=(
            Figure(
                caption=(
                    f"Left of zero: what is lost without the source. {SHOWN[1]} counts only what the shopper had "
                    "never bought."
                ),
                charts=charts,
            ),
        ),
        tables=(_table(found),),
    )


def _chart(found: list[dict[str, Any]], metric: str) -> Rows | None:
    known = [one for one in found if one["without"].get(metric, {}).get("low_pct") is not None]
    if not known:
        return None
    losses = {one["source"]: one["without"][metric] for one in known}
    scale = Scale.over([value for loss in losses.values() for value in loss.values()])
    rows = tuple(
        Row(
            label=f"without {NAMES.get(source, words.name(source))}",
            marks=(
                Mark(shape="tick", x=scale.at(0.0), tone="old"),
                Mark(shape="span", x=scale.at(loss["low_pct"]), x2=scale.at(loss["high_pct"])),
                Mark(shape="dot", x=scale.at(loss["delta_pct"])),
            ),
            value=_told(loss),
        )
        for source, loss in losses.items()
    )
    return Rows(title=f"{metric}, change with 95 % interval", rows=rows, ticks=scale.ticks(" %"))


def _table(found: list[dict[str, Any]]) -> Table:
    metrics = list(dict.fromkeys(metric for one in found for metric in one["without"]))
    return Table(
        title="Sources as a table",
        header=(
            "source",
            "share of the first ten",
            "share of the hits",
            *(f"{metric} without it" for metric in metrics),
        ),
        rows=tuple(
            (
                NAMES.get(one["source"], words.name(one["source"])),
                f"{one['listed_percent']:.1f}{words.HARD}%",
                f"{one['hit_percent']:.1f}{words.HARD}%",
                *(_told(one["without"].get(metric, {})) for metric in metrics),
            )
            for one in found
        ),
        numeric=tuple(range(1, 3 + len(metrics))),
    )


def _told(loss: dict[str, float | None]) -> str:
    delta, low, high = (loss.get(key) for key in ("delta_pct", "low_pct", "high_pct"))
    if delta is None or low is None or high is None:
        return ""
    return words.change(delta) if low == high else f"{words.change(delta)} ({words.interval(low, high)})"
