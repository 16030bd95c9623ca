"""The page of a study."""

from dataclasses import replace

from components.reporting.charts import Curves, curves
from components.reporting.number_format import HARD, clock, difference, four_places
from components.reporting.page_parts import Figure, KeyFigure, Page, Section, Table
from model.evaluation.ranking_metrics import Interval
from pipelines.tuning.result import StudyResult, Trial
from pipelines.tuning.space import assignments
from tfx_configs.evaluation import REGRESSION_METRIC


def lead_words(result: StudyResult) -> str:
    """The best trial over the settings as they were: "+1.2 % (+0.1 to +2.3 %)"."""
    if result.best == result.base.number:
        return "no trial is better than the settings as they are"
    if result.delta_pct is None or result.low_pct is None or result.high_pct is None:
        return "the settings as they were found nothing to compare with"
    return difference(Interval(delta_pct=result.delta_pct, low_pct=result.low_pct, high_pct=result.high_pct))


def page(result: StudyResult) -> Page:
    """Progress, what mattered, and every trial."""
    done = [trial for trial in result.trials if trial.state == "done"]
    chosen = result.chosen
    return Page(
        title="Tuning",
        subject="Tuning",
        headline=f"Best of {len(result.trials)} trials: {lead_words(result)}",
        lead=(
            f"{REGRESSION_METRIC} on {result.trips:,} trips from {result.cut} to before {result.end}, over the "
            "settings as they were. The best was chosen on these trips, so the lead is too large; a run with the "
            "chosen settings judges them on later ones."
        ),
        tone="good" if (result.low_pct or 0.0) > 0 else "warn",
        figures=(
            KeyFigure(label=f"best {REGRESSION_METRIC}", value=four_places(chosen.figures[REGRESSION_METRIC])),
            KeyFigure(label="as it was", value=four_places(result.base.figures[REGRESSION_METRIC])),
            KeyFigure(
                label="trials",
                value=str(len(result.trials)),
                detail=f"{len(done)} to the end, {_count(result, 'pruned')} pruned, {_count(result, 'failed')} failed",
            ),
            KeyFigure(label="a trial takes", value=clock(sum(trial.seconds for trial in done) / len(done))),
        ),
        sections=(_progress(result, done), _settings(result), _trials(result)),
    )


def _count(result: StudyResult, state: str) -> int:
    return sum(trial.state == state for trial in result.trials)


def _progress(result: StudyResult, done: list[Trial]) -> Section:
    return Section(
        id="progress",
        title="Trials",
        lead="Each point is a trial; the line is the best until then. The first has the settings as they were.",
        figures=(Figure(caption=REGRESSION_METRIC, charts=(_chart(result, done),)),),
    )


def _chart(result: StudyResult, done: list[Trial]) -> Curves:
    last = max(1, result.trials[-1].number)
    points = [(float(trial.number), trial.figures[REGRESSION_METRIC]) for trial in done]
    series = {"trial": points, "best so far": [(float(number), best) for number, best in result.running_best()]}
    chart = curves(f"{REGRESSION_METRIC} by trial", series, last)
    dots, line = chart.curves
    return replace(
        chart, curves=(replace(dots, marks="dots"), replace(line, marks="line")), first="trial 0", last=f"trial {last}"
    )


def _settings(result: StudyResult) -> Section:
    rows = tuple(
        (name, value, str(len(figures)), four_places(sum(figures) / len(figures)), four_places(max(figures)))
        for name, values in result.by_value().items()
        if len(values) > 1
        for value, figures in values.items()
    )
    table = Table(
        title="What each value came to",
        header=("setting", "value", "trials", "mean ndcg@10", "best ndcg@10"),
        rows=rows,
        numeric=(2, 3, 4),
    )
    return Section(
        id="settings",
        title="Settings",
        lead=" ".join(assignments(result.chosen.changed)) or "Nothing is changed.",
        tables=(table,) if rows else (),
    )


def _trials(result: StudyResult) -> Section:
    rows = tuple(
        (
            str(trial.number),
            trial.state,
            four_places(trial.figures.get(REGRESSION_METRIC)),
            four_places(trial.figures.get("recall@10")),
            four_places(trial.screening),
            clock(trial.seconds) if trial.seconds else "",
            trial.reason or " ".join(assignments(trial.changed)) or f"as{HARD}it{HARD}was",
        )
        for trial in result.trials
    )
    table = Table(
        title="All trials",
        header=("trial", "state", "ndcg@10", "recall@10", "screening", "time", "settings, or why it ended"),
        rows=rows,
        numeric=(2, 3, 4, 5),
        folded=False,
    )
    return Section(id="trials", title="All trials", tables=(table,))
