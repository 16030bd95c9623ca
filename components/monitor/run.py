"""The monitor stage: request log and purchases against the reference -> monitor.json, figures for Prometheus."""

import dataclasses
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from components.kfp_support import pushgateway as gauges
from components.kfp_support.progress import progress
from components.monitor.checks import quality_slices as slices
from components.monitor.checks.results import Result, worst
from components.monitor.checks.run_checks import Seen, look
from components.monitor.data import baseline as reference
from components.monitor.data import purchases, visits
from components.monitor.data.baseline import Reference
from components.monitor.data.window import Live
from components.monitor.prometheus_samples import JOB, samples
from components.monitor.retraining import policy
from components.monitor.retraining import training_runs as record
from model.data import columns as c
from model.data.schema import schema_digest
from model.files import write_json
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training
from tfx_configs.units import DAY_S

REPORT, FIGURES, RUNS = "monitor.json", "monitor.prom", "training-runs.json"
NEW_ITEMS = "purchases_new_item"
QUALITY = ("hits_per_trip", "recall@10", "calibration_ratio")
"""Checks whose failure is a drop in quality; the others have causes that no training repairs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where everything is."""

    reference: Path
    """What components.monitor.data.baseline.build wrote."""
    log: Path | str | None
    """Directory of the request log, or s3://bucket/path; None: there is none, and only what needs none is looked at."""
    tables: Path
    """Canonical tables with the purchases since the cut."""
    out: Path
    """Directory for the results, and of the record of training runs."""
    textfile: Path | None = None
    """Where the figures for Prometheus go besides."""
    pushgateway: str = ""
    """URL of one that is told the figures; empty: nobody is."""
    namespace: str = ""
    """Of the service, as a label of what is pushed."""


def monitor(
    inputs: Inputs,
    now_s: float,
    settings: MonitorSettings,
    retrain: RetrainSettings,
    asked: Training = "none",
    with_distances: bool = True,
) -> dict[str, Any]:
    """Runs every check as of `now_s` (unix seconds, data time) and writes the results; returns monitor.json.

    Raises:
        InputError: reference, log or events are not there.
        StageFailed: TFDV's environment is not there, or failed.
    """
    began = time.monotonic()
    known = reference.load(inputs.reference)
    live = read_live(inputs.log, inputs.tables, known, now_s, settings)
    progress(f"{len(live.visits):,} visits, {len(live.purchases):,} purchases since the cut")
    starts = purchases.promotion_starts(inputs.tables)
    (seen,) = look(live, known, starts, [now_s], settings, with_distances and live.logged)
    report = summarise(seen, known, now_s, settings)
    found = evidence(seen.results, live, known, asked)
    decision = policy.decide(retrain, record.read(inputs.out / RUNS), found, now_s)
    report["evidence"] = dataclasses.asdict(found)
    report["retrain"] = {"train": decision.train, "start": decision.start, "reasons": list(decision.reasons)}
    report["seconds"] = round(time.monotonic() - began, 1)
    write_json(inputs.out / REPORT, report)
    figures = samples(worst(seen.results), time.time())
    for path in filter(None, (inputs.out / FIGURES, inputs.textfile)):
        gauges.write(path, figures)
    gauges.push(inputs.pushgateway, JOB, inputs.namespace, figures)
    return report


def read_live(
    log: Path | str | None,
    tables: Path,
    known: Reference,
    now_s: float,
    settings: MonitorSettings,
) -> Live:
    """What the service recorded and what was bought, up to now.

    The windows with the visits that close late, and the earlier windows they are compared with, bound how far back it
    is read.
    """
    longest_s = settings.windows_days[-1] * DAY_S
    since_s = max(known.cut_s, now_s - longest_s * (1 + 4 * settings.own_windows) - DAY_S)
    bought = purchases.read(tables, known.cut_s, now_s, known.labels)
    if log is None:
        return dataclasses.replace(as_live(visits.none(), bought, known, settings), logged=False)
    return as_live(visits.read(log, since_s, now_s), bought, known, settings)


def as_live(requests: pd.DataFrame, bought: pd.DataFrame, known: Reference, settings: MonitorSettings) -> Live:
    """Rows of the request log and purchases since the cut, joined."""
    earlier = pd.concat([known.purchases, bought], ignore_index=True)
    judged = visits.judged(requests, earlier, known.users.index, known.probable, settings)
    return Live(visits=judged, purchases=bought)


def summarise(seen: Seen, known: Reference, now_s: float, settings: MonitorSettings) -> dict[str, Any]:
    """monitor.json without the decision on training."""
    longest = seen.contexts[-1].window
    summary = worst(seen.results)
    return {
        "now": _text(now_s),
        "cut": _text(known.cut_s),
        "windows": [
            {
                "days": days,
                "begin": _text(context.window.begin_s),
                "end": _text(context.window.end_s),
                "visits": len(context.window.visits),
                "closed": len(context.window.closed),
                "purchases": len(context.window.purchases),
            }
            for days, context in zip(settings.windows_days, seen.contexts, strict=True)
        ],
        "checks": [dataclasses.asdict(result) for result in seen.results],
        "worst": [dataclasses.asdict(result) for result in summary],
        "failed": [result.check for result in summary if result.status == "failed"],
        "unknown": [result.check for result in summary if result.status == "unknown"],
        "versions": slices.by_version(longest, settings.min_visits),
        "settings": settings.model_dump(),
    }


def evidence(results: Sequence[Result], live: Live, known: Reference, asked: Training = "none") -> policy.Evidence:
    """What the retraining policy wants to know."""
    failed = [result for result in worst(results) if result.status == "failed"]
    new = [result.value for result in results if result.check == NEW_ITEMS and result.value is not None]
    bought = live.purchases[c.TIME]
    return policy.Evidence(
        data_until_s=float(bought.max()) if len(bought) else 0.0,
        trained_until_s=known.cut_s,
        asked=asked,
        schema_changed=known.schema != schema_digest(),
        quality=tuple(one.check for one in failed if one.check in QUALITY),
        drift=tuple(one.check for one in failed if one.group in ("skew", "drift")),
        new_item_share=new[-1] if new else 0.0,
    )


def _text(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
