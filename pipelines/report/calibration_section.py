"""Whether a score can be taken at its word."""

from collections.abc import Sequence

from components.reporting import number_format as words
from components.reporting.charts import Curve, Curves, Scale
from components.reporting.page_parts import Section
from model.evaluation.ranking_metrics import CALIBRATION_ERROR, CALIBRATION_RATIO, Bin
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS
from tfx_configs.evaluation import CANDIDATE


def section(sources: Sources) -> Section | None:
    """The reliability curve of the candidate's first ten; None where its score is no probability."""
    text, bins = TEXTS["calibration"], sources.evaluation.reliability
    values = sources.evaluation.models.get(CANDIDATE, {})
    error, ratio = values.get(CALIBRATION_ERROR), values.get(CALIBRATION_RATIO)
    if not bins or error is None or ratio is None:
        return None
    rows = [(words.percent(tenth.expected), words.percent(tenth.bought), f"{tenth.size:,}") for tenth in bins]
    chart = text.figure("reliability", _chart(bins))
    return text.section("calibration", chart, text.table("bins", rows), error=error, ratio=ratio)


def _chart(bins: Sequence[Bin]) -> Curves:
    pairs = [(100 * tenth.expected, 100 * tenth.bought) for tenth in bins]
    scale = Scale.over([value for pair in pairs for value in pair])
    unit = f"{words.HARD}%"
    points = tuple((scale.at(expected), scale.at(bought)) for expected, bought in pairs)
    end = f"{scale.high:g}{unit}"
    return Curves(
        title="Share bought by score",
        curves=(
            Curve(label="as promised", tone="old", points=((0.0, 0.0), (100.0, 100.0)), last=end),
            Curve(label="bought", tone="new", points=points, last=words.percent(bins[-1].bought)),
        ),
        ticks=scale.ticks(unit),
        first=f"score 0{unit}",
        last=f"score {end}",
    )
