"""How well the model ranks: against the baselines, and by slice."""

from collections.abc import Mapping

from components.artifacts.evaluation import Delta, Ends, Interval, Slice
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows
from components.reporting.page_parts import Section, Table
from model.data.columns import PURCHASE
from pipelines.report.headline_section import best_baseline, lead_over
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS, REGRESSION_METRIC


def section(sources: Sources) -> Section | None:
    """Candidate and baselines on the same trips."""
    text, quality = TEXTS["quality"], sources.summary.quality
    if CANDIDATE not in quality:
        return None
    judged_on = sources.summary.data.judged_on if sources.summary.data else ()
    judged = sources.evaluation.task.judged
    models = sorted(quality, key=lambda model: -(quality[model].get("ndcg@10") or 0.0))
    metrics = list(dict.fromkeys(metric for model in models for metric in quality[model]))
    bars = (_bars(sources, models, metric) for metric in GATE_METRICS)
    leads = [
        (words.name(rival), metric, words.change(lead.delta_pct), words.interval(lead.low_pct, lead.high_pct))
        for rival in models
        if rival != CANDIDATE
        for metric in GATE_METRICS
        if (lead := lead_over(sources, rival, metric).interval)
    ]
    rows = [(words.name(m), *(words.four_places(quality[m].get(metric)) for metric in metrics)) for m in models]
    return text.section(
        "quality",
        text.figure(
            "models",
            *bars,
            trips=sources.summary.judged_trips,
            judged=judged,
            instead=[k for k in judged_on if k != PURCHASE],
        ),
        text.figure("lead", _lead(sources)),
        text.table("metrics", rows, more=metrics),
        text.table("leads", leads),
        _shelves(sources, models),
        _first_stable(sources),
    )


def slices(sources: Sources) -> Section | None:
    """Candidate and best baseline by slice of the trips."""
    text, rival, metric = TEXTS["slices"], best_baseline(sources), REGRESSION_METRIC
    if not sources.evaluation.slices or rival is None:
        return None
    pairs = [
        (of, ours, theirs)
        for of in sorted(sources.evaluation.slices, key=lambda of: of.slice)
        if (ours := _mean(of, CANDIDATE)) is not None and (theirs := _mean(of, rival)) is not None
    ]
    judged = {reason.check: reason.passed for reason in sources.verdict.reasons}
    chart = Rows.over(
        f"{metric} by slice",
        [_slice_row(of, ours, theirs, judged) for of, ours, theirs in pairs],
        keys=(Key("dot", "new", "Aisle"), Key("ring", "old", words.name(rival))),
    )
    rows = [
        (
            words.name(of.slice),
            of.value,
            f"{of.trips:,}",
            words.four_places(ours),
            words.four_places(theirs),
            words.difference(of.delta(rival, metric).interval),
        )
        for of, ours, theirs in pairs
    ]
    more = [f"{metric} Aisle", f"{metric} {words.name(rival)}", "lead, 95 % interval"]
    enough = {_check(of) for of, _, _ in pairs} & judged.keys()
    leads = [
        _difference_row(of.value, interval, words.name(of.slice))
        for of, _, _ in pairs
        if (not enough or _check(of) in enough) and (interval := of.delta(rival, metric).interval)
    ]
    title = f"{metric}: lead over {words.name(rival)} by slice, with 95 % interval"
    return text.section(
        "slices",
        text.figure("slices", chart),
        text.figure("lead", Rows.over(title, leads, unit=" %") if leads else None),
        text.table("slices", rows, more=more),
    )


def _shelves(sources: Sources, models: list[str]) -> Table | None:
    """What each of the two shelves finds, of every model."""
    values = sources.evaluation.shelves.models
    metrics = list(values.get(CANDIDATE, {}))
    rows = [
        (words.name(m), *(words.four_places(values[m].get(metric)) for metric in metrics))
        for m in models
        if m in values
    ]
    return TEXTS["quality"].table("shelves", rows, more=metrics) if metrics else None


def _first_stable(sources: Sources) -> Table | None:
    """Which baseline serves until a model is blessed, why, and what decided: figures from before the cut."""
    first = sources.summary.first_stable
    if first is None:
        return None
    rows = [
        (words.name(name), *(words.four_places(means.get(metric)) for metric in GATE_METRICS))
        for name, means in sorted(first.figures.items(), key=lambda of: -(of[1].get(REGRESSION_METRIC) or 0.0))
    ]
    rows = rows or [("none judged", *[""] * len(GATE_METRICS))]
    chosen = words.name(first.name)
    return TEXTS["quality"].table("first_stable", rows, more=GATE_METRICS, chosen=chosen, reason=first.reason)


def _bars(sources: Sources, models: list[str], metric: str) -> Rows:
    """A bar for each model, with the interval of its own mean where that was measured."""
    rows = []
    for model in models:
        mean = sources.summary.quality[model].get(metric)
        ends = sources.evaluation.intervals.get(model, {}).get(metric, Ends())
        marks, value = [Mark("bar", 0.0, mean or 0.0, "new" if model == CANDIDATE else "old")], words.four_places(mean)
        if ends.low is not None and ends.high is not None:
            marks.append(Mark("span", ends.low, ends.high, "limit"))
            value += f" ({words.four_places(ends.low)} to {words.four_places(ends.high)})"
        rows.append(Row(words.name(model), value, marks))
    return Rows.over(metric, rows, ticks=3)


def _lead(sources: Sources) -> Rows | None:
    rival = best_baseline(sources)
    if rival is None:
        return None
    title = f"Lead over {words.name(rival)}, the best of them, with 95 % interval"
    return difference_rows(title, {metric: lead_over(sources, rival, metric) for metric in GATE_METRICS})


def difference_rows(title: str, deltas: Mapping[str, Delta]) -> Rows | None:
    """{label: difference} on a scale with zero, each with its 95 % interval; None where none was measured."""
    rows = [_difference_row(label, interval) for label, delta in deltas.items() if (interval := delta.interval)]
    return Rows.over(title, rows, unit=" %") if rows else None


def _difference_row(label: str, interval: Interval, group: str = "") -> Row:
    marks = [
        Mark("tick", 0.0, tone="old"),
        Mark("span", interval.low_pct, interval.high_pct),
        Mark("dot", interval.delta_pct),
    ]
    return Row(label, words.difference(interval), marks, group=group)


def _slice_row(of: Slice, ours: float, theirs: float, judged: dict[str, bool]) -> Row:
    """`ours`, `theirs`: the means. `judged`: whether each check of the gate passed."""
    passed = judged.get(_check(of))
    trips = words.count(of.trips, "trip", "trips")
    marks = (
        Mark("span", min(ours, theirs), max(ours, theirs), "faint"),
        Mark("ring", theirs, tone="old"),
        Mark("dot", ours, tone="bad" if passed is False else "new"),
    )
    value = f"{trips}, below its limit" if passed is False else trips
    return Row(of.value, value, marks, group=words.name(of.slice), faint=bool(judged) and passed is None)


def _check(of: Slice) -> str:
    """The gate's name of it."""
    return f"{of.slice} {of.value}"


def _mean(of: Slice, model: str) -> float | None:
    return of.models.get(model, {}).get(REGRESSION_METRIC)
