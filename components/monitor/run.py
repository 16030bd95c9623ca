"""The monitor stage: request log and purchases against the baseline -> monitor.json, figures for Prometheus."""

import dataclasses
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import pandas as pd

from components.artifacts import purchases
from components.artifacts.monitor_report import CheckResult, Evidence, MonitorReport, WindowSummary, worst
from components.kfp_support import pushgateway
from components.kfp_support.markdown_table import as_markdown
from components.kfp_support.progress import progress
from components.monitor.checks.quality_slices import by_version
from components.monitor.checks.run_checks import run_checks
from components.monitor.data import baseline as baselines
from components.monitor.data import visits
from components.monitor.data.baseline import Baseline
from components.monitor.data.window import ServiceRecord
from components.monitor.retraining import policy, training_runs
from model.data import columns as c
from model.data.schema import schema_digest
from model.errors import InputError
from model.files import write_text
from model.registry.model_registry import Registry
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training
from tfx_configs.units import DAY_S

FIGURES = "monitor.prom"
NEW_ITEMS = "purchases_new_item"
QUALITY = ("hits_per_trip", "recall@10", "calibration_ratio")
"""Checks whose failure is a drop in quality; the others have causes that no training repairs."""
YEARS = range(1970, 2200)
"""Of moments that tables can hold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inputs:
    """Paths and addresses of one run of the monitor."""

    baseline: Path
    """Output of components.monitor.data.baseline.build."""
    log: Path | str | None
    """Directory of the request log, or s3://bucket/path; None: only the checks that need no log are run."""
    tables: Path
    """Canonical tables with the purchases since the cut."""
    out: Path
    """Directory for the results, and of the record of training runs."""
    textfile: Path | None = None
    """Another file for the figures for Prometheus."""
    pushgateway: str = ""
    """URL of a Pushgateway that receives the figures; empty: none."""
    namespace: str = ""
    """Of the service, as a label of what is pushed."""


def monitor(
    inputs: Inputs,
    now_s: float | None,
    settings: MonitorSettings,
    retrain: RetrainSettings,
    asked: Training = "none",
    with_distances: bool = True,
) -> MonitorReport:
    """Run every check and write the results.

    Args:
        now_s: unix seconds in data time; None: the present.
        settings, retrain: of the checks, and of the decision on training.
        asked: the training that an operator requests.
        with_distances: also TFDV's distances, which take some ten seconds.

    Raises:
        InputError: baseline, log or events are not there.
        StageFailed: TFDV's environment is not there, or failed.
    """
    began, now_s = time.monotonic(), time.time() if now_s is None else now_s
    record = read_record(inputs, now_s, settings)
    progress(f"{len(record.visits):,} visits, {len(record.purchases):,} purchases since the cut")
    (run,) = run_checks(record, [now_s], with_distances=with_distances and record.logged)
    evidence = evidence_of(run.results, record, asked)
    report = MonitorReport(
        now=_text(now_s),
        cut=_text(record.baseline.cut_s),
        windows=tuple(
            WindowSummary(
                days=days,
                begin=_text(window.begin_s),
                end=_text(window.end_s),
                visits=len(window.visits),
                closed=len(window.closed),
                purchases=len(window.purchases),
            )
            for days, window in zip(settings.windows_days, run.windows, strict=True)
        ),
        checks=tuple(run.results),
        versions=tuple(by_version(run.windows[-1], settings.min_visits)),
        settings=settings,
        evidence=evidence,
        retrain=policy.decide(retrain, training_runs.read(inputs.out / training_runs.NAME), evidence, now_s),
        seconds=round(time.monotonic() - began, 1),
    )
    report.save(inputs.out)
    figures = samples(report.worst, time.time())
    for path in filter(None, (inputs.out / FIGURES, inputs.textfile)):
        pushgateway.write(path, figures)
    pushgateway.push(inputs.pushgateway, pushgateway.MONITOR_JOB, inputs.namespace, figures)
    progress(f"{len(report.failed)} checks failed: {', '.join(report.failed) or 'none'}")
    return report


def inputs_on_cluster(namespace: str, registry: str, *, log: str, tables: str, out: str, pushgateway: str) -> Inputs:
    """Return the inputs of the KFP step; the baseline is the active model's. An empty `log`: there is none."""
    from components.inference_service.cluster_client import Cluster
    from components.monitor.data.baseline_store import active

    baseline = active(Registry(Path(registry), Cluster(namespace).roles if namespace else None))
    places = {"tables": Path(tables), "out": Path(out)}
    return Inputs(baseline=baseline, log=log or None, **places, pushgateway=pushgateway, namespace=namespace)


def read_record(inputs: Inputs, now_s: float, settings: MonitorSettings) -> ServiceRecord:
    """Read the baseline, the service's log and the purchases, up to now.

    The log is read as far back as the longest window, the visits that close late, and the earlier windows of the log.
    """
    baseline = baselines.load(inputs.baseline)
    longest_s = settings.windows_days[-1] * DAY_S
    since_s = max(baseline.cut_s, now_s - longest_s * (1 + 4 * settings.own_windows) - DAY_S)
    requests = visits.none() if inputs.log is None else visits.read(inputs.log, since_s, now_s)
    bought = purchases.read(inputs.tables, baseline.cut_s, now_s, baseline.facts.labels)
    starts = purchases.promotion_starts(inputs.tables)
    return dataclasses.replace(join(requests, bought, starts, baseline, settings), logged=inputs.log is not None)


def join(
    requests: pd.DataFrame,
    bought: pd.DataFrame,
    promotion_starts: "pd.Series[float]",
    baseline: Baseline,
    settings: MonitorSettings,
) -> ServiceRecord:
    """Join rows of the request log and purchases since the cut."""
    earlier = pd.concat([baseline.purchases, bought], ignore_index=True)
    return ServiceRecord(
        visits=visits.with_outcomes(requests, earlier, baseline.users.index, baseline.facts.probable, settings),
        purchases=bought,
        promotion_starts=promotion_starts,
        baseline=baseline,
        settings=settings,
    )


def evidence_of(results: Sequence[CheckResult], record: ServiceRecord, asked: Training = "none") -> Evidence:
    """Return what the retraining policy decides on."""
    failed = [result for result in worst(results) if result.status == "failed"]
    new = [result.value for result in results if result.check == NEW_ITEMS and result.value is not None]
    bought = record.purchases[c.TIME]
    return Evidence(
        data_until_s=float(bought.max()) if len(bought) else 0.0,
        trained_until_s=record.baseline.cut_s,
        asked=asked,
        schema_changed=record.baseline.facts.schema_digest != schema_digest(),
        quality=tuple(result.check for result in failed if result.check in QUALITY),
        drift=tuple(result.check for result in failed if result.group in ("skew", "drift")),
        new_item_share=new[-1] if new else 0.0,
    )


def write_outputs(report: MonitorReport, report_dir: str, table_path: str) -> None:
    """Write the report and its table for KFP."""
    report.save(Path(report_dir))
    write_text(Path(table_path), table(report))


def samples(results: Iterable[CheckResult], ran_s: float) -> list[pushgateway.Sample]:
    """Return whether each check failed, and its value, where it could be judged. `results`: one a check."""
    sample = pushgateway.Sample
    figures = [sample(name=pushgateway.MONITOR_RUN, value=ran_s)]
    for result in results:
        if result.status != "unknown" and result.value is not None:
            labels = {"check": result.check, "severity": result.severity}
            failed = float(result.status == "failed")
            figures.append(sample(name=pushgateway.CHECK_FAILED, value=failed, labels=labels))
            figures.append(sample(name=pushgateway.CHECK_VALUE, value=result.value, labels={"check": result.check}))
    return figures


def table(report: MonitorReport) -> str:
    """Return the checks as Markdown for KFP's page: failed ones first, then the training that is due."""
    due = report.retrain
    facts = {"training due": due.train, "because": due.reasons, "failed": report.failed}
    title = f"{len(report.failed)} of {len(report.worst)} checks failed"
    return as_markdown(title, facts | {result.check: f"{result.status}: {result.what}" for result in report.worst})


def moment_s(text: str, name: str = "now") -> float:
    """Return unix seconds of an RFC 3339 time with its zone, in YEARS; raises InputError, which calls it `name`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in YEARS:
        raise InputError(f"{name}: expected RFC 3339 like 2017-12-20T00:00:00Z, got {text!r:.40}")
    return moment.timestamp()


def training(text: str) -> Training:
    """Return the kind of training; raises InputError for another word."""
    if text not in get_args(Training):
        raise InputError(f"ask: expected one of {', '.join(get_args(Training))}, got {text!r:.40}")
    return cast(Training, text)


def _text(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
