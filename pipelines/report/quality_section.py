"""How well the model ranks: against the baselines, and by slice."""

from collections.abc import Mapping

from components.artifacts.evaluation import Delta, Ends, Slice
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Section, Table
from pipelines.report.headline_section import best_baseline, lead_over
from pipelines.report.run_files import Sources
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS, REGRESSION_METRIC

EXPLAINED = (
    "recall@10: the share of the next basket found among ten recommendations. ndcg@10: the same, "
    "with more credit for hits near the top. All are defined in docs/evaluation.md."
)


def section(sources: Sources) -> Section | None:
    """Candidate and baselines on the same trips."""
    quality = sources.summary.quality
    if CANDIDATE not in quality:
        return None
    models = sorted(quality, key=lambda model: -(quality[model].get("ndcg@10") or 0.0))
    trips = sources.summary.judged_trips
    over = f" on the same {trips:,} next baskets, all after the cut" if trips else ""
    figures = [
        Figure(
            caption=f"Longer is better: Aisle and what it has to beat{over}, each with its 95 % interval.",
            charts=tuple(_bars(sources, models, metric) for metric in GATE_METRICS),
        )
    ]
    rival = best_baseline(sources)
    lead = _lead(sources, rival) if rival else None
    if lead:
        caption = "Right of zero Aisle is ahead; a line that crosses zero could be chance."
        figures.append(Figure(caption=caption, charts=(lead,)))
    metrics = list(dict.fromkeys(metric for model in models for metric in quality[model]))
    rows = tuple((words.name(m), *(_four(quality[m].get(metric)) for metric in metrics)) for m in models)
    table = Table(title="All metrics", header=("model", *metrics), rows=rows, numeric=tuple(range(1, len(metrics) + 1)))
    leads = _leads_table(sources, [model for model in models if model != CANDIDATE])
    tables = (table, leads) if leads else (table,)
    return Section(id="quality", title="Against the baselines", lead=EXPLAINED, figures=tuple(figures), tables=tables)


def slices(sources: Sources) -> Section | None:
    """Candidate and best baseline by slice of the trips."""
    rival, metric = best_baseline(sources), REGRESSION_METRIC
    if not sources.evaluation.slices or rival is None:
        return None
    pairs = [
        (one, ours, theirs)
        for one in sorted(sources.evaluation.slices, key=lambda one: one.slice)
        if (ours := _mean(one, CANDIDATE)) is not None and (theirs := _mean(one, rival)) is not None
    ]
    scale = Scale.over([value for _, *both in pairs for value in both])
    judged = {reason.check: reason.passed for reason in sources.verdict.reasons}
    chart = Rows(
        title=f"{metric} by slice",
        rows=tuple(_slice_row(one, scale.at(ours), scale.at(theirs), judged) for one, ours, theirs in pairs),
        ticks=scale.ticks(),
        keys=(Key(shape="dot", tone="new", label="Aisle"), Key(shape="ring", tone="old", label=words.name(rival))),
    )
    table = Table(
        title="Slices as a table",
        header=("slice", "value", "trips", f"{metric} Aisle", f"{metric} {words.name(rival)}", "lead, 95 % interval"),
        rows=tuple(
            (
                words.name(one.slice),
                one.value,
                f"{one.trips:,}",
                _four(ours),
                _four(theirs),
                words.difference(one.delta(rival, metric).interval),
            )
            for one, ours, theirs in pairs
        ),
        numeric=(2, 3, 4, 5),
    )
    caption = "A filled dot right of its ring: Aisle serves that group better. Pale rows have too few trips to judge."
    return Section(id="slices", title="Slices", figures=(Figure(caption=caption, charts=(chart,)),), tables=(table,))


def _bars(sources: Sources, models: list[str], metric: str) -> Rows:
    """A bar for each model, with the interval of its own mean where that was measured."""
    means = {model: sources.summary.quality[model].get(metric) for model in models}
    spans = {model: _span(sources, model, metric) for model in models}
    ends = [value for span in spans.values() if span for value in span]
    scale = Scale.over([*(mean or 0.0 for mean in means.values()), *ends], ticks=3)
    rows = []
    for model, mean in means.items():
        tone = "new" if model == CANDIDATE else "old"
        marks, text = [Mark(shape="bar", x=0.0, x2=scale.at(mean or 0.0), tone=tone)], _four(mean)
        if span := spans[model]:
            marks.append(Mark(shape="span", x=scale.at(span[0]), x2=scale.at(span[1]), tone="limit"))
            text += f" ({_four(span[0])} to {_four(span[1])})"
        rows.append(Row(label=words.name(model), marks=tuple(marks), value=text))
    return Rows(title=metric, rows=tuple(rows), ticks=scale.ticks())


def _span(sources: Sources, model: str, metric: str) -> tuple[float, float] | None:
    ends = sources.evaluation.intervals.get(model, {}).get(metric, Ends())
    return None if ends.low is None or ends.high is None else (ends.low, ends.high)


def _lead(sources: Sources, rival: str) -> Rows | None:
    title = f"Lead over {words.name(rival)}, the best of them, with 95 % interval"
    return difference_rows(title, {metric: lead_over(sources, rival, metric) for metric in GATE_METRICS})


def difference_rows(title: str, deltas: Mapping[str, Delta]) -> Rows | None:
    """{label: difference} on a scale with zero, each with its 95 % interval; None where none was measured."""
    measured = {label: interval for label, delta in deltas.items() if (interval := delta.interval)}
    if not measured:
        return None
    scale = Scale.over([end for one in measured.values() for end in (one.delta_pct, one.low_pct, one.high_pct)])
    rows = tuple(
        Row(
            label=label,
            marks=(
                Mark(shape="tick", x=scale.at(0.0), tone="old"),
                Mark(shape="span", x=scale.at(one.low_pct), x2=scale.at(one.high_pct)),
                Mark(shape="dot", x=scale.at(one.delta_pct)),
            ),
            value=words.difference(one),
        )
        for label, one in measured.items()
    )
    return Rows(title=title, rows=rows, ticks=scale.ticks(" %"))


def _leads_table(sources: Sources, rivals: list[str]) -> Table | None:
    rows = tuple(
        (words.name(rival), metric, words.change(lead.delta_pct), words.interval(lead.low_pct, lead.high_pct))
        for rival in rivals
        for metric in GATE_METRICS
        if (lead := lead_over(sources, rival, metric).interval)
    )
    header = ("over", "metric", "change", "95 % interval")
    return Table(title="Lead over each of them", header=header, rows=rows, numeric=(2, 3)) if rows else None


def _slice_row(one: Slice, ours: float, theirs: float, judged: dict[str, bool]) -> Row:
    """`ours`, `theirs`: places on the scale. `judged`: whether each check of the gate passed."""
    passed = judged.get(f"{one.slice} {one.value}")
    trips = words.count(one.trips, "trip", "trips")
    return Row(
        group=words.name(one.slice),
        label=one.value,
        marks=(
            Mark(shape="span", x=min(ours, theirs), x2=max(ours, theirs), tone="faint"),
            Mark(shape="ring", x=theirs, tone="old"),
            Mark(shape="dot", x=ours, tone="bad" if passed is False else "new"),
        ),
        value=f"{trips}, below its limit" if passed is False else trips,
        faint=bool(judged) and passed is None,
    )


def _mean(one: Slice, model: str) -> float | None:
    return one.models.get(model, {}).get(REGRESSION_METRIC)


def _four(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
