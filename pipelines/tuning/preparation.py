"""The examples of a study: the time before the test span alone, split once more."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.artifacts.earlier_export import export
from components.artifacts.examples import Examples
from components.artifacts.tables import Tables
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.kfp_support.progress import progress
from model.data.time_split import day, test_days
from model.errors import InputError
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ExamplesStage
from tfx_configs.units import DAY_S

SCREENING_PERCENT = 25.0
"""Shoppers of the screening run."""
SCREENING_TRIPS = 20_000
"""Trips to learn from, from which on there is a screening run: of fewer, a quarter ranks the settings by chance."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What trials learn from and are judged on."""

    examples: Path
    screening: Path | None
    """Examples of a part of the shoppers; None: there are too few."""
    cut: str
    """First judged day."""
    end: str
    """The day after the last judged one: the test span, which no trial sees, begins here."""
    run: RunSettings
    """Settings of the trials, before what is tried."""


def prepare(run: RunSettings, out: Path) -> Prepared:
    """Makes what is not there yet below `out`.

    Raises:
        InputError: what ingest raises; the time before the test span is too short to be split.
        CheckFailed: the data are not fit to be learned from.
    """
    tables = Tables(out / "tables")
    if not (out / "tables").exists():
        ingest(data=run.data, tables_dir=tables.directory)
    report = tables.report
    days = run.data.test_days or test_days(report.first_event_s, report.last_event_s)
    cut_s = report.cut_s - days * DAY_S
    if cut_s <= report.first_event_s:
        raise InputError(
            f"expected {days} days before the cut {day(report.cut_s)} to judge on and some before those to learn from, "
            f"got events from {day(report.first_event_s)} on; export a longer time"
        )
    source = out / "source"
    export(tables, source, before=datetime.fromtimestamp(report.cut_s, UTC))
    data = DataSettings(
        source="canonical",
        path=str(source),
        cut_date=day(cut_s),
        engine=run.data.engine,
        memory_gb=run.data.memory_gb,
        spark_master=run.data.spark_master,
        max_dropped_percent=run.data.max_dropped_percent,
    )
    run = run.replace(data=data)
    whole = _examples(run, out / "whole")
    screening = None
    if Examples(whole).report.train_trips >= SCREENING_TRIPS:
        screening = _examples(run.replace(data=data.replace(sample_percent=SCREENING_PERCENT)), out / "screening")
    return Prepared(examples=whole, screening=screening, cut=data.cut_date or "", end=day(report.cut_s), run=run)


def _examples(run: RunSettings, out: Path) -> Path:
    path = out / "examples"
    if not path.exists():
        progress(f"{run.data.sample_percent:g} % of the shoppers, judged from {run.data.cut_date} on")
        ingest(data=run.data, tables_dir=out / "tables")
        build_examples(run=ExamplesStage.of(run), tables_dir=out / "tables", examples_dir=path)
    return path
