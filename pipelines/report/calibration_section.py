"""Whether a score can be taken at its word."""

from collections.abc import Sequence

from components.reporting import number_format as words
from components.reporting.charts import Curve, Curves, Scale
from components.reporting.page_parts import Figure, Section, Table
from model.evaluation.ranking_metrics import CALIBRATION_ERROR, CALIBRATION_RATIO, Bin
from pipelines.report.run_files import Sources
from tfx_configs.evaluation import CANDIDATE


def section(sources: Sources) -> Section | None:
    """The reliability curve of the candidate's first ten; None where its score is no probability."""
    bins, values = sources.evaluation.reliability, sources.evaluation.models.get(CANDIDATE, {})
    error, ratio = values.get(CALIBRATION_ERROR), values.get(CALIBRATION_RATIO)
    if not bins or error is None or ratio is None:
        return None
    lead = (
        "A score is the chance that the product is bought on this trip. For every purchase made among the first ten "
        f"places, {ratio:.2f} were expected; scores were {100 * error:.1f} points off on average."
    )
    table = Table(
        title="Scores and purchases as a table",
        header=("mean score", "bought", "places"),
        rows=tuple((_percent(one.expected), _percent(one.bought), f"{one.size:,}") for one in bins),
        numeric=(0, 1, 2),
    )
    caption = "Each dot is a tenth of all places. Above the straight line more was bought than the score had promised."
    figure = Figure(caption=caption, charts=(_chart(bins),))
    return Section(id="calibration", title="What a score is worth", lead=lead, figures=(figure,), tables=(table,))


def _chart(bins: Sequence[Bin]) -> Curves:
    pairs = [(100 * one.expected, 100 * one.bought) for one in bins]
    scale = Scale.over([value for pair in pairs for value in pair])
    unit = f"{words.HARD}%"
    return Curves(
        title="Share bought by score",
        curves=(
            Curve(label="as promised", tone="old", points=((0.0, 0.0), (100.0, 100.0)), last=f"{scale.high:g}{unit}"),
            Curve(
                label="bought",
                tone="new",
                points=tuple((scale.at(expected), scale.at(bought)) for expected, bought in pairs),
                last=_percent(bins[-1].bought),
            ),
        ),
        ticks=scale.ticks(unit),
        first=f"score 0{unit}",
        last=f"score {scale.high:g}{unit}",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}{words.HARD}%"
