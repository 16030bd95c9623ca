"""Which task fits a shop, and what of its data would stop a run or deserves a setting."""

import math

from components.artifacts.artifact import Record
from components.artifacts.tables import IngestReport
from pipelines.inspection.habits import Cut, Shoppers
from tfx_configs.settings import RunSettings

REPEAT_PERCENT = 5.0
"""Share of lines that repeat an earlier purchase of their shopper, from which on repeats are part of the task, %."""


class Task(Record):
    """What a run on the export would do."""

    name: str
    """next basket, discovery, or none."""
    why: str
    runs: bool
    """Whether a run would get as far as training."""
    advice: tuple[str, ...]
    """One line each, with what to type."""


def task_for(report: IngestReport, shoppers: Shoppers, cuts: tuple[Cut, ...], run: RunSettings) -> Task:
    """Chooses by the share of repeat purchases, and by whether shoppers come back at all."""
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
    back = 100 * shoppers.returning / shoppers.shoppers
    if not enough:
        why = (
            f"{back:.1f} % of shoppers come back, and no cut leaves {least:,} of them to judge: Aisle learns from what "
            "a shopper did before, which these data do not have"
        )
        return Task(name="none", why=why, runs=False, advice=advice)
    repeats = f"{shoppers.repeat_percent:g} % of purchases repeat an earlier one of their shopper"
    if shoppers.repeat_percent >= REPEAT_PERCENT:
        name, why = "next basket", f"{repeats}: repeats and new items in one list"
    else:
        name, why = "discovery", f"{repeats}: the list is of what the shopper has not bought before"
    return Task(name=name, why=why, runs=not stops, advice=advice)
