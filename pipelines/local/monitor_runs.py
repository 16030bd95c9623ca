"""What `aisle monitor` does on this machine: a finished run's log and tables through every check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from components.monitor.data import baseline as reference
from components.monitor.kfp_steps import moment_s
from components.monitor.retraining.trigger import evidence_of, retrain
from components.monitor.run import RUNS, Inputs, monitor
from components.rollout.local.processes import REQUESTS
from model.errors import InputError
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from model.request_log import reader as request_log
from pipelines.local.display import Display
from pipelines.local.run_directory import Paths, RunOutputs, settings_of
from pipelines.local.trainer import LocalTrainer
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training

PLAYED = "replay-"
"""How ids of replayed trips' requests begin (components/rollout/local/trip_traffic.py)."""
KEY = "made-of.json"
"""Beside the reference: what it was made of, so that it is made again when that changed."""


def monitor_run(
    run: Path,
    now_s: float | None = None,
    settings: MonitorSettings | None = None,
    policy: RetrainSettings | None = None,
    textfile: Path | None = None,
    ask: Training = "none",
    with_distances: bool = True,
) -> dict[str, Any]:
    """Monitors the service that the run's rollout left a log of; returns monitor.json.

    Args:
        now_s: unix seconds in data time; None: the moment after the log's last request, as in a replay.
        textfile: where Prometheus's figures go besides {run}/monitoring.

    Raises:
        InputError: there is no finished run, or no request log in it.
    """
    paths, settings = Paths(out=run.resolve()), settings or MonitorSettings()
    outputs, of_run = RunOutputs.load(paths.out, paths.result), settings_of(paths)
    log = paths.rollout / REQUESTS
    if now_s is None:
        now_s = _end_of(log)
    known = paths.monitoring / "reference"
    made_of = {"outputs": dict(outputs.stored), "weeks": settings.history_weeks, "sampled": settings.sampled_visits}
    made_of["labels"] = of_run.labels.to_json()
    key = paths.monitoring / KEY
    if not key.exists() or read_json(key) != made_of or not known.exists():
        evaluation, validation = outputs["evaluation"], outputs["anomalies"]
        reference.build(outputs["tables"], outputs["examples"], known, of_run, settings, evaluation, validation)
        write_json(key, made_of)
    inputs = Inputs(reference=known, log=log, tables=outputs["tables"], out=paths.monitoring, textfile=textfile)
    return monitor(inputs, now_s, settings, policy or RetrainSettings(), ask, with_distances)


def retrain_run(
    run: Path, report: Mapping[str, Any], display: Display, policy: RetrainSettings | None = None
) -> dict[str, Any]:
    """Starts the training that is due after `monitor_run` wrote `report`, and waits for its end; says what was done.

    Raises InputError when there is no finished run.
    """
    paths = Paths(out=run.resolve())
    trainer = LocalTrainer(paths=paths, run=settings_of(paths), display=display)
    places = (paths.monitoring / RUNS, Registry(paths.registry))
    evidence, now_s = evidence_of(report), moment_s(report["now"])
    return retrain(*places, policy or RetrainSettings(), evidence, now_s, trainer)


def _end_of(log: Path) -> float:
    """Just after the last trip that was replayed, or the last request, where none was.

    The replay's closing measurement may ask about later trips, whose purchases never came.
    """
    rows = request_log.read(log, columns=["request_id", "time_s"])
    if not len(rows):
        raise InputError(f"{log}: expected requests in the log, found none; a demo's rollout leaves some")
    played = rows.filter(pc.starts_with(rows["request_id"], PLAYED))
    return float(pc.max((played if len(played) else rows)["time_s"]).as_py()) + 1
