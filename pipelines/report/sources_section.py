"""The ablation that one run measures: the candidate's ranking without each of its candidate sources."""

from collections.abc import Sequence

from components.artifacts.evaluation import Delta, SourceLoss
from components.reporting import number_format as words
from components.reporting.charts import Rows
from components.reporting.page_parts import Figure, Section, Table
from model.evaluation.ranking_metrics import EXPLORE_RECALL
from pipelines.report.quality_section import difference_rows
from pipelines.report.run_files import Sources
from tfx_configs.evaluation import REGRESSION_METRIC

NAMES = {"bought_before": "bought before", "similar_taste": "similar taste (towers)", "popular": "popular now"}
SHOWN = (REGRESSION_METRIC, EXPLORE_RECALL)


def section(sources: Sources) -> Section | None:
    """The loss of each metric without each source; None where the run measured none."""
    losses = sources.evaluation.sources
    charts = tuple(chart for metric in SHOWN if (chart := _chart(losses, metric)))
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
        tables=(_table(losses),),
    )


def _chart(sources: Sequence[SourceLoss], metric: str) -> Rows | None:
    losses = {f"without {_name(one)}": one.without.get(metric, Delta()) for one in sources}
    return difference_rows(f"{metric}, change with 95 % interval", losses)


def _table(sources: Sequence[SourceLoss]) -> Table:
    metrics = list(dict.fromkeys(metric for one in sources for metric in one.without))
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
                _name(one),
                f"{one.listed_percent:.1f}{words.HARD}%",
                f"{one.hit_percent:.1f}{words.HARD}%",
                *(words.difference(one.without.get(metric, Delta()).interval) for metric in metrics),
            )
            for one in sources
        ),
        numeric=tuple(range(1, 3 + len(metrics))),
    )


def _name(one: SourceLoss) -> str:
    return NAMES.get(one.source, words.name(one.source))
