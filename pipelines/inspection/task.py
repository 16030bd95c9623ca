"""Which task fits a shop, and what of its data would stop a run or deserves a setting."""

import math

from components.artifacts.artifact import Record
from components.artifacts.tables import IngestReport
from components.examples.judgeable import WHAT
from model.data.task import TaskKind
from pipelines.inspection.cuts import Cut
from tfx_configs.settings import RunSettings


class Task(Record):
    """What a run on the export would do."""

    name: str
    """A TaskKind, or none."""
    why: str
    runs: bool
    """Whether a run would get as far as training."""
    advice: tuple[str, ...]
    """One line each, with what to type."""


def planned_task(kind: TaskKind, why: str, report: IngestReport, cuts: tuple[Cut, ...], run: RunSettings) -> Task:
    """The task of the run, as components.examples.habits.task_of decides it, and whether it would get there."""
    least = run.labels.min_judged_trips
    planned = next((cut for cut in cuts if cut.cut == report.cut), None)
    enough = [cut for cut in cuts if cut.judged >= least]
    stops = []
    if report.dropped_percent > run.data.max_dropped_percent:
        stops.append(
            f"{report.dropped_percent:g} % of event rows would be dropped, {run.data.max_dropped_percent:g} % may be: "
            f"mend the source, or --set data.max_dropped_percent={math.ceil(report.dropped_percent)}"
        )
    unlisted, allowed = 100 * report.unlisted / report.events, run.validation.max_unknown_percent
    if unlisted > allowed:
        stops.append(
            f"{unlisted:.1f} % of events are of items without a row in items, {allowed:g} % may be: add the rows, or "
            f"--set validation.max_unknown_percent={math.ceil(unlisted)}"
        )
    if planned is None or planned.judged < least:
        judged = planned.judged if planned else 0
        message = f"the cut {report.cut} leaves {judged:,} trips to judge, and {least:,} are needed"
        stops.append(f"{message}: --cut-date {enough[0].cut} leaves {enough[0].judged:,}" if enough else message)
    advice = tuple(finding.line() for finding in report.findings) + tuple(stops)
    if not enough:
        why = (
            f"no cut leaves {least:,} trips to judge ({WHAT[kind]} at or after it, with a history): Aisle learns from "
            "what a shopper did before, which these data do not have"
        )
        return Task(name="none", why=why, runs=False, advice=advice)
    return Task(name=kind, why=why, runs=not stops, advice=advice)
