"""What the KFP step does, as a plain function."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from components.monitor.run import Inputs, monitor
from components.progress import progress
from model.errors import InputError
from model.files import write_json
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training


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
        given: {reference, log, tables, out: directories, pushgateway: a URL or empty, namespace}.
        settings, retrain: JSON; empty for the defaults.
        ask: a run asked for by hand: none, incremental or full.
        now: RFC 3339; empty: the present.

    Raises:
        InputError: something is not there, or `ask` or `now` is not readable.
    """
    inputs = Inputs(
        reference=Path(given["reference"]),
        log=Path(given["log"]),
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
        LabelSettings(),
        training(ask),
    )
    write_json(Path(report_path), report)
    log({"failed": float(len(report["failed"])), "unknown": float(len(report["unknown"]))})
    progress(f"{len(report['failed'])} checks failed: {', '.join(report['failed']) or 'none'}")
    return str(report["retrain"]["train"])


def moment_s(text: str) -> float:
    """Unix seconds of an RFC 3339 time with its zone; raises InputError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"now: expected RFC 3339 like 2017-12-20T00:00:00Z, got {text!r:.40}")
    return found.timestamp()


def training(text: str) -> Training:
    """Raises InputError for what is no kind of training."""
    if text not in get_args(Training):
        raise InputError(f"ask: expected one of {', '.join(get_args(Training))}, got {text!r:.40}")
    return cast(Training, text)
