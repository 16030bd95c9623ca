"""What a run left, read once: a report is made from it, and a part that the run did not come to is left out."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow.dataset as ds

from components.artifacts.artifact import Artifact
from components.artifacts.evaluation import Evaluation
from components.artifacts.monitor_report import MonitorReport
from components.artifacts.tables import IngestReport, Tables
from components.artifacts.validation import Validation, ValidationReport
from components.artifacts.verdict import Verdict
from model.data import columns as c
from model.package.manifest import read_manifest
from pipelines.local.run_directory import RunOutputs
from pipelines.local.summary import Summary
from tfx_configs.units import DAY_S

MAX_PAGE_BYTES = 1_500_000
"""A data report larger than this is not embedded."""
Record = TypeVar("Record", bound=Artifact)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The summary and the artifacts behind it, empty where the run has none."""

    summary: Summary
    ingest: IngestReport | None
    validation: ValidationReport | None
    evaluation: Evaluation
    verdict: Verdict
    libraries: dict[str, str]
    """{library: version} that the model was made with."""
    monitor: MonitorReport | None
    data_page: str
    weeks: tuple[tuple[date, int], ...]
    """(first day, events) of each seven days, counted from the cut so that none lies on both sides of it."""


def read_sources(summary: Summary, outputs: RunOutputs, monitor: Path | None = None) -> Sources:
    """Reads what a run left; outputs that it does not list are empty.

    Args:
        monitor: directory of the monitor's report, where there is one.

    Raises:
        InputError: an output is listed and not there.
    """

    def output(name: str) -> Path | None:
        return outputs[name] if name in outputs.stored else None

    tables, validation, evaluation = output("tables"), output("anomalies"), output("evaluation")
    verdict, model = output("verdict"), output("model")
    ingest = _load(IngestReport, tables)
    return Sources(
        summary=summary,
        ingest=ingest,
        validation=_load(ValidationReport, validation),
        evaluation=Evaluation.load(evaluation) if evaluation else Evaluation(),
        verdict=Verdict.read(verdict) if verdict else Verdict(),
        libraries=read_manifest(model).libraries if model else {},
        monitor=_load(MonitorReport, monitor),
        data_page=_page(validation and Validation(validation).page),
        weeks=_weeks(tables and Tables(tables).events, ingest.cut_s if ingest else 0),
    )


def _load(kind: type[Record], directory: Path | None) -> Record | None:
    return kind.load(directory) if directory is not None and (directory / kind.FILE).is_file() else None


def _page(path: Path | None) -> str:
    small = path is not None and path.is_file() and path.stat().st_size <= MAX_PAGE_BYTES
    return path.read_text(encoding="utf-8") if path is not None and small else ""


def _weeks(events: Path | None, cut_s: int) -> tuple[tuple[date, int], ...]:
    if events is None or not events.is_dir():
        return ()
    times = ds.dataset(events, format="parquet").to_table(columns=[c.TIME])[c.TIME].to_numpy()
    if not len(times):
        return ()
    offset = cut_s // DAY_S % 7
    week_E = (times.astype("datetime64[D]").astype(np.int64) - offset) // 7
    first = int(week_E.min())
    counts = np.bincount(week_E - first)
    days = [date(1970, 1, 1) + timedelta(days=(first + n) * 7 + offset) for n in range(len(counts))]
    return tuple(zip(days, counts.tolist(), strict=True))
