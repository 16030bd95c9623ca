"""The files a report is made from, all of them optional: what a run did not get to is left out of the page."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds

from model import columns as c
from model.files import read_json

MAX_PAGE_BYTES = 1_500_000
"""A data report larger than this is not embedded."""
_NOWHERE = "/nonexistent"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The summary and, as parsed JSON, what lies behind it ({} where there is nothing)."""

    summary: dict[str, Any]
    ingest: dict[str, Any]
    anomalies: dict[str, Any]
    metrics: dict[str, Any]
    verdict: dict[str, Any]
    manifest: dict[str, Any]
    data_page: str
    weeks: tuple[tuple[date, int], ...]
    """(Monday, events) of each week, first to last."""


def read_sources(summary: dict[str, Any], outputs: dict[str, str]) -> Sources:
    """Args: outputs: {output name: path} of the pipeline."""
    return Sources(
        summary=summary,
        ingest=_json(outputs, "tables", "ingest.json"),
        anomalies=_json(outputs, "anomalies", "anomalies.json"),
        metrics=_json(outputs, "evaluation", "metrics.json"),
        verdict=_json(outputs, "verdict"),
        manifest=_json(outputs, "model", "manifest.json"),
        data_page=_page(outputs),
        weeks=_weeks(outputs),
    )


def _json(outputs: dict[str, str], name: str, file: str = "") -> dict[str, Any]:
    path = Path(outputs.get(name, _NOWHERE)) / file
    value = read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _page(outputs: dict[str, str]) -> str:
    path = Path(outputs.get("anomalies", _NOWHERE)) / "report.html"
    small = path.is_file() and path.stat().st_size <= MAX_PAGE_BYTES
    return path.read_text(encoding="utf-8") if small else ""


def _weeks(outputs: dict[str, str]) -> tuple[tuple[date, int], ...]:
    directory = Path(outputs.get("tables", _NOWHERE)) / "events"
    if not directory.is_dir():
        return ()
    times = ds.dataset(directory, format="parquet").to_table(columns=[c.TIME])[c.TIME].to_numpy()
    if not len(times):
        return ()
    days = times.astype("datetime64[D]").astype(np.int64)
    week = (days + 3) // 7  # 1970-01-01 was a Thursday
    first = int(week.min())
    counts = np.bincount(week - first)
    mondays = (np.arange(len(counts)) + first) * 7 - 3
    return tuple((np.datetime64(int(m), "D").item(), int(n)) for m, n in zip(mondays, counts, strict=True))
