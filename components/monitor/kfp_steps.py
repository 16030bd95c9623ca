"""What the KFP steps do, as plain functions."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from components.kfp_support.progress import progress
from components.monitor.retraining.trigger import evidence_of, retrain
from components.monitor.run import RUNS, Inputs, monitor
from model.errors import InputError
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training
from tfx_configs.settings import RunSettings

YEARS = range(1970, 2200)
"""Of moments that tables can hold."""


def monitor_step(
    given: Mapping[str, str],
    settings: str,
    retrain: str,
    ask: str,
    now: str,
    report_path: str,
    log: Callable[[Mapping[str, float]], None],
) -> str:
    """Runs the monitor on directories; returns what training is due.

    Args:
        given: {reference, tables, out: directories; log: a directory, s3://bucket/path, or empty; pushgateway: a URL or
            empty; namespace}.
        settings, retrain: JSON; empty for the defaults.
        ask: a run asked for by hand: none, incremental or full.
        now: RFC 3339; empty: the present.

    Raises:
        InputError: something is not there, or `ask` or `now` is not readable.
    """
    inputs = Inputs(
        reference=Path(given["reference"]),
        log=given["log"] or None,
        tables=Path(given["tables"]),
        out=Path(given["out"]),
        pushgateway=given["pushgateway"],
        namespace=given["namespace"],
    )
    report = monitor(
        inputs,
        moment_s(now) if now else time.time(),
        MonitorSettings.from_json(settings or "{}"),
        RetrainSettings.from_json(retrain or "{}"),
        training(ask),
    )
    write_json(Path(report_path), report)
    log({"failed": float(len(report["failed"])), "unknown": float(len(report["unknown"]))})
    progress(f"{len(report['failed'])} checks failed: {', '.join(report['failed']) or 'none'}")
    return str(report["retrain"]["train"])


def retrain_step(
    report_path: str,
    registry: str,
    out: str,
    settings: str,
    training: str,
    server: Mapping[str, str],
    parameters: Mapping[str, object],
) -> dict[str, Any]:
    """Starts what is due on a KFP server; returns what components.monitor.retraining.trigger.retrain does.

    Args:
        report_path: monitor.json.
        registry: root of the model registry.
        out: directory of the record of training runs.
        settings, training: RetrainSettings and RunSettings as JSON; without the second nothing is started.
        server: {host, token_file: its bearer token, or empty; experiment; package: the compiled pipeline}.
        parameters: of that pipeline.

    Raises:
        InputError, StageFailed: nobody answers, no right, the server failed; the next step goes on from there.
    """
    report = read_json(Path(report_path))
    if not training:
        progress("nothing is started from here: the schedule has no settings for a training run")
        return {"run": "", "train": report["retrain"]["train"], "reasons": report["retrain"]["reasons"]}
    from components.kfp_support.server_client import KfpServer, read_token
    from components.monitor.retraining.kfp_trainer import trainer

    kfp = KfpServer(server["host"], read_token(Path(server["token_file"])) if server["token_file"] else None)
    places = (server["experiment"], Path(server["package"]))
    there = trainer(kfp, *places, RunSettings.from_json(training), parameters)
    rules, record = RetrainSettings.from_json(settings or "{}"), Path(out) / RUNS
    told = retrain(record, Registry(Path(registry)), rules, evidence_of(report), moment_s(report["now"]), there)
    progress(f"started {told['run']}" if told["run"] else f"nothing started: {'; '.join(told['reasons'])}")
    return told


def moment_s(text: str, name: str = "now") -> float:
    """Unix seconds of an RFC 3339 time with its zone, in YEARS; raises InputError, which calls it `name`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in YEARS:
        raise InputError(f"{name}: expected RFC 3339 like 2017-12-20T00:00:00Z, got {text!r:.40}")
    return found.timestamp()


def training(text: str) -> Training:
    """Raises InputError for what is no kind of training."""
    if text not in get_args(Training):
        raise InputError(f"ask: expected one of {', '.join(get_args(Training))}, got {text!r:.40}")
    return cast(Training, text)
