"""How well the model ranks: against the baselines, and for whom."""

from typing import Any

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
    quality: dict[str, dict[str, float]] = sources.summary.get("quality", {})
    if CANDIDATE not in quality:
        return None
    models = sorted(quality, key=lambda model: -quality[model].get("ndcg@10", 0.0))
    trips = sources.summary.get("judged_trips")
    over = f" on the same {trips:,} next baskets, all after the cut" if trips else ""
    figures = [
        Figure(
            caption=f"Longer is better: Aisle and what it has to beat{over}, each with its 95 % interval.",
            charts=tuple(_bars(sources, quality, models, metric) for metric in GATE_METRICS),
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
    found: list[dict[str, Any]] = sources.metrics.get("slices", [])
    rival = best_baseline(sources)
    if not found or rival is None:
        return None
    metric = REGRESSION_METRIC
    found = [one for one in found if all(one["models"][model][metric] is not None for model in (CANDIDATE, rival))]
    found = sorted(found, key=lambda one: str(one["slice"]))
    values = [one["models"][model][metric] for one in found for model in (CANDIDATE, rival)]
    scale = Scale.over(values)
    judged = {reason["check"]: bool(reason["passed"]) for reason in sources.verdict.get("reasons", [])}
    rows = tuple(_slice_row(one, rival, metric, scale, judged) for one in found)
    chart = Rows(
        title=f"{metric} by slice",
        rows=rows,
        ticks=scale.ticks(),
        keys=(_key("dot", "new", "Aisle"), _key("ring", "old", words.name(rival))),
    )
    table = Table(
        title="Slices as a table",
        header=("slice", "value", "trips", f"{metric} Aisle", f"{metric} {words.name(rival)}", "lead, 95 % interval"),
        rows=tuple(
            (
                words.name(str(one["slice"])),
                str(one["value"]),
                f"{one['trips']:,}",
                *(_four(one["models"][model][metric]) for model in (CANDIDATE, rival)),
                _slice_lead(one, rival, metric),
            )
            for one in found
        ),
        numeric=(2, 3, 4, 5),
    )
    caption = "A filled dot right of its ring: Aisle serves that group better. Pale rows have too few trips to judge."
    return Section(id="slices", title="Slices", figures=(Figure(caption=caption, charts=(chart,)),), tables=(table,))


def _bars(sources: Sources, quality: dict[str, dict[str, float]], models: list[str], metric: str) -> Rows:
    """A bar for each model, with the interval of its own mean where that was measured."""
    spans = {model: _span(sources, model, metric) for model in models}
    known = [value for span in spans.values() if span for value in span]
    scale = Scale.over([*(quality[model].get(metric, 0.0) for model in models), *known], ticks=3)
    rows = []
    for model in models:
        marks = [Mark(shape="bar", x=0.0, x2=scale.at(quality[model].get(metric, 0.0)), tone=_tone(model))]
        told = _four(quality[model].get(metric))
        if span := spans[model]:
            marks.append(Mark(shape="span", x=scale.at(span[0]), x2=scale.at(span[1]), tone="limit"))
            told += f" ({_four(span[0])} to {_four(span[1])})"
        rows.append(Row(label=words.name(model), marks=tuple(marks), value=told))
    return Rows(title=metric, rows=tuple(rows), ticks=scale.ticks())


def _span(sources: Sources, model: str, metric: str) -> tuple[float, float] | None:
    found = sources.metrics.get("intervals", {}).get(model, {}).get(metric, {})
    return (found["low"], found["high"]) if found.get("low") is not None else None


def _lead(sources: Sources, rival: str) -> Rows | None:
    """The lead over the rival with its 95 % interval, a row a metric; None where that was not measured."""
    leads = {metric: lead_over(sources, rival, metric) for metric in GATE_METRICS}
    measured = {metric: lead for metric, lead in leads.items() if lead and lead.get("low_pct") is not None}
    if not measured:
        return None
    scale = Scale.over([value for lead in measured.values() for value in lead.values()])
    rows = tuple(
        Row(
            label=metric,
            marks=(
                Mark(shape="tick", x=scale.at(0.0), tone="old"),
                Mark(shape="span", x=scale.at(lead["low_pct"]), x2=scale.at(lead["high_pct"])),
                Mark(shape="dot", x=scale.at(lead["delta_pct"])),
            ),
            value=f"{words.change(lead['delta_pct'])} ({words.interval(lead['low_pct'], lead['high_pct'])})",
        )
        for metric, lead in measured.items()
    )
    return Rows(
        title=f"Lead over {words.name(rival)}, the best of them, with 95 % interval",
        rows=rows,
        ticks=scale.ticks(" %"),
    )


def _leads_table(sources: Sources, rivals: list[str]) -> Table | None:
    leads = [(rival, metric, lead_over(sources, rival, metric)) for rival in rivals for metric in GATE_METRICS]
    rows = tuple(
        (words.name(rival), metric, words.change(lead["delta_pct"]), words.interval(lead["low_pct"], lead["high_pct"]))
        for rival, metric, lead in leads
        if lead and lead.get("low_pct") is not None
    )
    header = ("over", "metric", "change", "95 % interval")
    return Table(title="Lead over each of them", header=header, rows=rows, numeric=(2, 3)) if rows else None


def _slice_row(one: dict[str, Any], rival: str, metric: str, scale: Scale, judged: dict[str, bool]) -> Row:
    ours, theirs = (scale.at(one["models"][model][metric]) for model in (CANDIDATE, rival))
    passed = judged.get(f"{one['slice']} {one['value']}")
    trips = words.count(one["trips"], "trip", "trips")
    return Row(
        group=words.name(str(one["slice"])),
        label=str(one["value"]),
        marks=(
            Mark(shape="span", x=min(ours, theirs), x2=max(ours, theirs), tone="faint"),
            Mark(shape="ring", x=theirs, tone="old"),
            Mark(shape="dot", x=ours, tone="bad" if passed is False else "new"),
        ),
        value=f"{trips}, below its limit" if passed is False else trips,
        faint=bool(judged) and passed is None,
    )


def _slice_lead(one: dict[str, Any], rival: str, metric: str) -> str:
    lead = one.get("paired", {}).get(rival, {}).get(metric, {})
    if lead.get("low_pct") is None:
        return ""
    return f"{words.change(lead['delta_pct'])} ({words.interval(lead['low_pct'], lead['high_pct'])})"


def _tone(model: str) -> str:
    return "new" if model == CANDIDATE else "old"


def _key(shape: str, tone: str, label: str) -> Key:
    return Key(shape=shape, tone=tone, label=label)


def _four(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
