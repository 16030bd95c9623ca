"""Compares two finished runs: one page as data, which the terminal and the HTML file both show."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from components.artifacts.evaluation import Delta, Ends
from components.artifacts.verdict import Reason
from components.reporting import number_format as words
from components.reporting.page_parts import Figure, KeyFigure, Page, Section, Table
from model.evaluation.ranking_metrics import ACROSS_TRIPS, PER_TRIP
from pipelines.compare.differences import paired_differences, slice_difference, why_not_paired
from pipelines.compare.finished_run import FinishedRun, names_of, read_run
from pipelines.report.quality_section import difference_rows
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS, REGRESSION_METRIC

Rows = Sequence[tuple[str, ...]]


def compare_runs(first: Path, second: Path) -> Page:
    """The comparison. Raises InputError, one line, where a directory holds no finished run."""
    names = names_of(first, second)
    return build(*(read_run(path, name) for path, name in zip((first, second), names, strict=True)))


def build(first: FinishedRun, second: FinishedRun) -> Page:
    """The page of two runs; the differences are those of the second over the first."""
    runs = (first, second)
    deltas, reason = paired_differences(first, second), why_not_paired(first, second)
    headline, tone = _headline(first, second, deltas.get(REGRESSION_METRIC, Delta()), reason)
    return Page(
        title=f"Aisle: {first.name} and {second.name}",
        subject="comparison of two runs",
        navigation=True,
        headline=headline,
        tone=tone,
        figures=tuple(_figures(runs)),
        sections=(
            _data(runs),
            _settings(runs),
            _models(runs),
            _metrics(runs, deltas, reason),
            _slices(runs),
            _gate(runs),
            _rollout(runs),
            _times(runs),
        ),
    )


def _headline(first: FinishedRun, second: FinishedRun, delta: Delta, reason: str) -> tuple[str, str]:
    """(sentence, tone): no claim without an interval."""
    interval = delta.interval
    if reason:
        return f"No difference of the models can be measured: {reason}.", "warn"
    if interval is None:
        return f"{REGRESSION_METRIC} of {first.name} is zero or undefined: there is no relative difference.", "warn"
    change = words.difference(interval)
    trips = f"on the same {second.evaluation.trips or 0:,} trips"
    if interval.low_pct > 0 or interval.high_pct < 0:
        better, tone = ("better", "good") if interval.low_pct > 0 else ("worse", "bad")
        return f"{second.name} is {better} than {first.name}: {REGRESSION_METRIC} {change} {trips}.", tone
    return f"No difference is proven: {REGRESSION_METRIC} of {second.name} over {first.name} {change} {trips}.", "warn"


def _figures(runs: Sequence[FinishedRun]) -> Iterable[KeyFigure]:
    for run in runs:
        value = words.four_places(run.evaluation.models.get(CANDIDATE, {}).get(REGRESSION_METRIC))
        yield KeyFigure(label=f"{REGRESSION_METRIC}, {run.name}", value=value or "none")
    for run in runs:
        yield KeyFigure(label=f"Gate, {run.name}", value=words.name(run.verdict.outcome))


def _data(runs: Sequence[FinishedRun]) -> Section:
    facts = []
    for run in runs:
        data, evaluation = run.summary.data, run.evaluation
        facts.append(
            {
                "source": run.settings.get("data.path") or run.settings.get("data.source", ""),
                "events": f"{data.rows:,}" if data else "",
                "dropped rows": f"{sum(data.dropped.values()):,}" if data else "",
                "shoppers": f"{data.users:,}" if data else "",
                "products": f"{data.items:,}" if data else "",
                "first test day": data.cut if data else "",
                "judged trips": f"{evaluation.trips or 0:,}",
                "first and last": f"{evaluation.span.first[:10]} to {evaluation.span.last[:10]}",
                "task": words.name(evaluation.task),
                "digest of the trips": evaluation.digest[:16],
            }
        )
    return _section("data", "Data", "What the runs read and judged.", runs, _lines(facts))


def _settings(runs: Sequence[FinishedRun]) -> Section:
    first, second = (run.settings for run in runs)
    if lacking := [run.name for run in runs if not run.settings]:
        lead = f"{' and '.join(lacking)} has no settings that this release reads."
        return Section(id="settings", title="Settings", lead=lead)
    names = [name for name in first | second if first.get(name) != second.get(name)]
    rows: Rows = [(name, _json(first, name), _json(second, name)) for name in sorted(names)]
    lead = "Those that differ; all others are equal." if rows else "All settings are equal."
    return _section("settings", "Settings", lead, runs, rows)


def _models(runs: Sequence[FinishedRun]) -> Section:
    facts = [
        {f"version of {words.name(name)}": run.evaluation.versions.get(name, "") for name in _models_of(runs)}
        | {
            "stable before": run.summary.stable_before or "none",
            "pushed": run.summary.model,
            "program": run.evaluation.code_version,
        }
        | run.libraries
        for run in runs
    ]
    rows = [row for row in _lines(facts) if row[0] not in runs[0].libraries or row[1] != row[2]]
    lead = "Versions by name. Equal versions are the same model; of the libraries those that differ."
    return _section("models", "Models", lead, runs, rows)


def _metrics(runs: Sequence[FinishedRun], deltas: dict[str, Delta], reason: str) -> Section:
    first, second = runs
    rows = [
        (
            metric,
            *(_mean(run, CANDIDATE, metric) for run in runs),
            words.difference(deltas.get(metric, Delta()).interval),
        )
        for metric in (*PER_TRIP, *ACROSS_TRIPS)
    ]
    others = [
        (f"{words.name(model)}, {metric}", *(_mean(run, model, metric) for run in runs))
        for model in _models_of(runs)
        if model != CANDIDATE
        for metric in GATE_METRICS
    ]
    lead = f"The new model of each run. There are no paired differences: {reason}."
    if not reason:
        lead = f"The new model of each run, on the same trips: {second.name} over {first.name}, with 95 % intervals."
    chart = difference_rows(f"{second.name} over {first.name}", {m: d for m, d in deltas.items() if m in GATE_METRICS})
    return Section(
        id="metrics",
        title="Metrics",
        lead=lead,
        figures=(Figure(caption="A line that crosses zero could be chance.", charts=(chart,)),) if chart else (),
        tables=tuple(
            _table(title, ("metric", first.name, second.name, *more), rows)
            for title, rows, more in (("Metrics of both", rows, ("difference",)), ("Other models", others, ()))
            if rows
        ),
    )


def _slices(runs: Sequence[FinishedRun]) -> Section:
    first, second = runs
    by_run = [{row.name: row for row in run.evaluation.slices} for run in runs]
    rows = list[tuple[str, ...]]()
    for name in sorted(by_run[0] | by_run[1]):
        slices = [of_run.get(name) for of_run in by_run]
        trips = " / ".join(dict.fromkeys(f"{row.trips:,}" if row else "none" for row in slices))
        means = [row.models.get(CANDIDATE, {}).get(REGRESSION_METRIC) if row else None for row in slices]
        row = next(row for row in slices if row)
        delta = slice_difference(first, second, row.slice, row.value)
        rows.append((name, trips, *map(words.four_places, means), words.difference(delta.interval)))
    lead = f"{REGRESSION_METRIC} of the new model, its difference where both runs have the same trips in the slice."
    header = ("slice", "trips", *(run.name for run in runs), "difference")
    table = _table("Slices of both", header, rows)
    return Section(id="slices", title="Slices", lead=lead, tables=(table,) if rows else ())


def _gate(runs: Sequence[FinishedRun]) -> Section:
    checks = [{reason.check: reason for reason in run.verdict.reasons} for run in runs]
    names = list(dict.fromkeys([*checks[0], *checks[1]]))
    differing = [n for n in names if len({_passed(of.get(n)) for of in checks}) > 1]
    rows: list[tuple[str, ...]] = [("verdict", *(words.name(run.verdict.outcome) for run in runs))]
    rows += [(name, *(_check(of.get(name)) for of in checks)) for name in differing]
    equal = len(names) - len(differing)
    lead = f"{words.count(equal, 'check', 'checks')} came to the same answer in both; the others are listed."
    return _section("gate", "Gate", lead, runs, rows)


def _rollout(runs: Sequence[FinishedRun]) -> Section:
    facts = []
    for run in runs:
        rollout, serving = run.summary.rollout, run.summary.serving
        steps = rollout.steps if rollout else ()
        facts.append(
            {
                "end": words.name(rollout.final_state) if rollout else "no rollout",
                "why": rollout.why if rollout else "",
                "shares": ", ".join(f"{step.declared_percent} %" for step in steps),
                "failed requests": f"{rollout.failed_requests:,}" if rollout else "",
                "p50": words.milliseconds(serving.p50_ms) if serving and serving.p50_ms else "",
                "p99": words.milliseconds(serving.p99_ms) if serving and serving.p99_ms else "",
            }
        )
    return _section("rollout", "Rollout", "The canary under traffic, and one client at the end.", runs, _lines(facts))


def _times(runs: Sequence[FinishedRun]) -> Section:
    seconds = [run.summary.seconds for run in runs]
    names = list(dict.fromkeys([*seconds[0], *seconds[1]]))
    rows = [(name, *(words.clock(of[name]) if name in of else "" for of in seconds)) for name in names]
    rows += [("all stages", *(words.clock(sum(of.values())) if of else "" for of in seconds))] if names else []
    lead = "What each stage took; 0.0 s is a result taken from the cache." if rows else "The runs have no times."
    return _section("times", "Times", lead, runs, rows)


def _section(name: str, title: str, lead: str, runs: Sequence[FinishedRun], rows: Rows) -> Section:
    header = ("what", *(run.name for run in runs))
    return Section(id=name, title=title, lead=lead, tables=(_table(f"{title} of both", header, rows),) if rows else ())


def _table(title: str, header: tuple[str, ...], rows: Rows) -> Table:
    return Table(title=title, header=header, rows=tuple(rows), folded=False)


def _lines(facts: Sequence[dict[str, str]]) -> Rows:
    """(name, first, second) of every fact that one of them has."""
    first, second = facts
    names = list(first | second)
    return [(n, first.get(n, ""), second.get(n, "")) for n in names if first.get(n) or second.get(n)]


def _models_of(runs: Sequence[FinishedRun]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run.evaluation.models))


def _mean(run: FinishedRun, model: str, metric: str) -> str:
    """The mean, with its own interval where that was measured."""
    ends = run.evaluation.intervals.get(model, {}).get(metric, Ends())
    text = words.four_places(run.evaluation.models.get(model, {}).get(metric))
    if not text or ends.low is None or ends.high is None:
        return text
    return f"{text} ({words.four_places(ends.low)} to {words.four_places(ends.high)})"


def _passed(reason: Reason | None) -> str:
    if reason is None:
        return "not checked"
    return "passed" if reason.passed else "not proven" if reason.unproven else "failed"


def _check(reason: Reason | None) -> str:
    value = words.number(reason.value) if reason else ""
    limit = f" (limit {words.number(reason.threshold)})" if reason and reason.threshold is not None else ""
    return f"{_passed(reason)}{f': {value}{limit}' if value else ''}"


def _json(settings: dict[str, object], name: str) -> str:
    return json.dumps(settings[name]) if name in settings else "not there"
