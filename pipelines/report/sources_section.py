"""The ablation that one run measures: the candidate's ranking without each of its candidate sources."""

from components.artifacts.evaluation import Delta, SourceLoss
from components.reporting import number_format as words
from components.reporting.page_parts import Section
from model.evaluation.ranking_metrics import EXPLORE_RECALL
from pipelines.report.quality_section import difference_rows
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS
from tfx_configs.evaluation import REGRESSION_METRIC

TEXT = TEXTS["parts"]


def section(sources: Sources) -> Section | None:
    """The loss of each metric without each source; None where the run measured none."""
    losses = sources.evaluation.sources
    charts = [
        difference_rows(
            f"{metric}, change with 95 % interval",
            {f"without {_name(loss)}": loss.without.get(metric, Delta()) for loss in losses},
        )
        for metric in (REGRESSION_METRIC, EXPLORE_RECALL)
    ]
    figure = TEXT.figure("losses", *charts, metric=EXPLORE_RECALL)
    metrics = list(dict.fromkeys(metric for loss in losses for metric in loss.without))
    rows = [
        (
            _name(loss),
            f"{loss.listed_percent:.1f}{words.HARD}%",
            f"{loss.hit_percent:.1f}{words.HARD}%",
            *(words.difference(loss.without.get(metric, Delta()).interval) for metric in metrics),
        )
        for loss in losses
    ]
    more = [f"{metric} without it" for metric in metrics]
    return TEXT.section("parts", figure, TEXT.table("losses", rows, more=more)) if figure else None


def _name(loss: SourceLoss) -> str:
    return TEXT.names["sources"].get(loss.source, words.name(loss.source))
