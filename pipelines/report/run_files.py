"""The files a report is made from, all of them optional: what a run did not get to is left out of the page."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.dataset as ds

from components.artifacts.artifact import Artifact
from components.artifacts.monitor_report import MonitorReport
from components.artifacts.tables import IngestReport, Tables
from components.artifacts.validation import Validation, ValidationReport
from model.data import columns as c
from model.files import read_json
from tfx_configs.units import DAY_S

MAX_PAGE_BYTES = 1_500_000
"""A data report larger than this is not embedded."""
_NOWHERE = "/nonexistent"
Record = TypeVar("Record", bound=Artifact)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The summary and, as parsed JSON, what lies behind it ({} where there is nothing)."""

    summary: dict[str, Any]
    ingest: IngestReport | None
    validation: ValidationReport | None
    metrics: dict[str, Any]
    verdict: dict[str, Any]
    manifest: dict[str, Any]
    monitor: MonitorReport | None
    data_page: str
    weeks: tuple[tuple[date, int], ...]
    """(first day, events) of each seven days, counted from the cut so that none lies on both sides of it."""


def read_sources(summary: dict[str, Any], outputs: dict[str, str]) -> Sources:
    """Args: outputs: {output name: path} of the pipeline."""
    tables = Tables(Path(outputs.get("tables", _NOWHERE)))
    validation = Validation(Path(outputs.get("anomalies", _NOWHERE)))
    ingest = _load(IngestReport, tables.directory)
    return Sources(
        summary=summary,
        ingest=ingest,
        validation=_load(ValidationReport, validation.directory),
        metrics=_json(outputs, "evaluation", "metrics.json"),
        verdict=_json(outputs, "verdict"),
        manifest=_json(outputs, "model", "manifest.json"),
        monitor=_load(MonitorReport, Path(outputs.get("monitor", _NOWHERE))),
        data_page=_page(validation.page),
        weeks=_weeks(tables.events, ingest.cut_s if ingest else 0),
    )


def _json(outputs: dict[str, str], name: str, file: str = "") -> dict[str, Any]:
    path = Path(outputs.get(name, _NOWHERE)) / file
    value = read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _load(kind: type[Record], directory: Path) -> Record | None:
    return kind.load(directory) if (directory / kind.FILE).is_file() else None


def _page(path: Path) -> str:
    small = path.is_file() and path.stat().st_size <= MAX_PAGE_BYTES
    return path.read_text(encoding="utf-8") if small else ""


def _weeks(directory: Path, cut_s: int) -> tuple[tuple[date, int], ...]:
    if not directory.is_dir():
        return ()
    times = ds.dataset(directory, format="parquet").to_table(columns=[c.TIME])[c.TIME].to_numpy()
    if not len(times):
        return ()
    offset = cut_s // DAY_S % 7
    week_E = (times.astype("datetime64[D]").astype(np.int64) - offset) // 7
    first = int(week_E.min())
    counts = np.bincount(week_E - first)
    days = [date(1970, 1, 1) + timedelta(days=(first + n) * 7 + offset) for n in range(len(counts))]
    return tuple(zip(days, counts.tolist(), strict=True))
