"""Inspects an export: reads and cleans it as a run would, and counts what could be learned and judged."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from components.artifacts.artifact import Record
from components.artifacts.tables import IngestReport, Tables
from components.engines.engine import Engine, open_engine
from components.examples.habits import Shoppers, shoppers_of, task_of
from components.examples.judgeable import judged_by_cut, read_events
from components.ingest.run import ingest
from components.ingest.source_copy import local_directory
from components.ingest.survey import TableView, survey
from model.data import columns as c
from model.data.labels import is_of_types, judged_types, positive_types
from model.data.time_split import day
from model.errors import AisleError
from pipelines.inspection.cuts import Cut, cuts_of
from pipelines.inspection.task import Task, planned_task
from tfx_configs.resources import Size, sizes
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ExamplesStage
from tfx_configs.units import DAY_S

LONGEST_GAPS = 3
GAP_DAYS = 3
"""Days in a row without an event that are shown, at least."""


class Gap(Record):
    """Days in a row without an event."""

    first: str
    last: str
    days: int


class Span(Record):
    """The days that the events cover."""

    first: str
    last: str
    days: int
    days_with_events: int
    gaps: tuple[Gap, ...]
    """The longest, in order of time."""


class Inspection(Record):
    """What an export holds and what a run on it would do."""

    tables: tuple[TableView, ...]
    data: Mapping[str, object]
    """Settings `data` to start from: those that were asked for, and the mappings that follow from the names found."""
    stopped: str = ""
    """Why a run would stop at ingest, with what to set; empty when it would not."""
    report: IngestReport | None = None
    span: Span | None = None
    shoppers: Shoppers | None = None
    cuts: tuple[Cut, ...] = ()
    sizes: Mapping[str, Size] = {}
    """{step: what its pod asks for on a cluster, for as many events}."""
    task: Task | None = None


def inspect_source(run: RunSettings) -> Inspection:
    """Inspects the source of a run; nothing is left on disk.

    Raises:
        InputError: no such directory, or it holds no table with one of our names.
    """
    with tempfile.TemporaryDirectory(prefix="aisle-inspect-") as scratch, local_directory(run.data.path) as folder:
        data = run.data.replace(path=str(folder))
        with open_engine(data, folder, Path(scratch)) as engine:
            tables, data = survey(engine, folder, data)
        start = _start(data, run.data.path)
        # Everything is counted first; the task names what would stop a run.
        lenient = data.replace(max_dropped_percent=100.0)
        try:
            report = ingest(data=lenient, tables_dir=Path(scratch) / "tables", positive_types=run.labels.positive_types)
        except AisleError as error:
            return Inspection(tables=tables, data=start, stopped=str(error).replace(str(folder), run.data.path))
        with open_engine(data, Path(scratch)) as engine:
            return _measured(engine, run, tables, start, report, Tables(Path(scratch) / "tables"))


def _measured(
    engine: Engine,
    run: RunSettings,
    tables: tuple[TableView, ...],
    start: Mapping[str, object],
    report: IngestReport,
    written: Tables,
) -> Inspection:
    events = engine.read_parquet(written.events)
    days = events.select(day=events[c.TIME].epoch_seconds() // DAY_S).distinct().to_pandas()["day"]
    learned, types = (of(run.labels, report.purchases) for of in (positive_types, judged_types))
    bought = events.filter(is_of_types(events.__getitem__, types))
    shoppers = shoppers_of(engine, [bought])
    task, why = task_of(ExamplesStage.of(run), engine, [events], report.purchases)
    day_D, judged_D = judged_by_cut(read_events(written), learned, types, task)
    judged = dict(zip(day_D.tolist(), judged_D.tolist(), strict=True))
    cuts = cuts_of(engine, bought, report.cut_s, judged)
    return Inspection(
        tables=tables,
        data=start,
        report=report,
        span=_span(days),
        shoppers=shoppers,
        cuts=cuts,
        sizes=sizes(report.events, run.data.memory_gb),
        task=planned_task(task, why, report, cuts, run),
    )


def _start(data: DataSettings, path: str) -> dict[str, object]:
    """The settings that are not the defaults, and the mappings even when they are empty."""
    changed = data.model_dump(mode="json", exclude_defaults=True)
    return {**changed, "path": path, "columns": dict(data.columns), "event_types": dict(data.event_types)}


def _span(days: "pd.Series[int]") -> Span:
    active = np.sort(days.to_numpy())
    missing = np.diff(active) - 1
    longest = np.sort(np.argsort(-missing, kind="stable")[:LONGEST_GAPS])
    gaps = [
        Gap(
            first=day((active[i] + 1) * DAY_S),
            last=day((active[i] + missing[i]) * DAY_S),
            days=int(missing[i]),
        )
        for i in longest
        if missing[i] >= GAP_DAYS
    ]
    return Span(
        first=day(int(active[0]) * DAY_S),
        last=day(int(active[-1]) * DAY_S),
        days=int(active[-1] - active[0]) + 1,
        days_with_events=len(active),
        gaps=tuple(gaps),
    )
