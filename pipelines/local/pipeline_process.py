"""Runs the training pipeline in a process of its own and follows the events of its stages."""

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.kfp_support.program_version import code_version
from components.kfp_support.progress import ProgressEvent
from components.rollout.local.processes import Process, running
from components.train.current_models import current_models
from model.errors import AisleError, InputError, StageFailed
from model.files import read_json
from model.registry.model_registry import Registry
from pipelines.local.display import Display
from pipelines.local.run_directory import Paths, PipelineRequest, RunOutputs
from pipelines.local.versions import data_version
from tfx_configs.settings import RunSettings
from tfx_configs.stages import stage_parameters

POLL_S = 0.2


def run_pipeline(
    run: RunSettings,
    paths: Paths,
    registry: Registry,
    display: Display,
    override_reason: str = "",
    override_by: str = "",
    run_name: str = "",
) -> RunOutputs:
    """Runs the training pipeline. `override_` and `run_name`: see pipelines/definitions/training.py.

    Raises:
        AisleError: with the failed stage's own message, when it failed on purpose: it is not tried again.
        StageFailed: a stage or the pipeline ended in any other way, twice.
    """
    source = data_version(run.data)
    arguments = {
        "settings": run.to_json(),
        **stage_parameters(run),
        "data_version": source,
        "code_version": code_version(),
        "registry": str(registry.root),
        **current_models(registry, run, source)._asdict(),
        "override_reason": override_reason,
        "override_by": override_by,
        "run_name": run_name,
    }
    PipelineRequest(arguments=arguments, cache_root=str(paths.cache)).save(paths.out)
    for stale in (paths.result, paths.progress):
        stale.unlink(missing_ok=True)
    last: ProgressEvent = {}
    command = [sys.executable, "-m", "pipelines.local.kfp_runner", str(paths.request)]
    with tempfile.TemporaryDirectory(prefix="aisle-", ignore_cleanup_errors=True) as scratch:
        environment = {"AISLE_PROGRESS_FILE": str(paths.progress), "TMPDIR": scratch}
        with running("pipeline", command, paths.log, environment) as process:
            for event in follow(paths.progress, process):
                display.event(event)
                if "state" in event:
                    last = event
                if _kind(event):
                    break
    if paths.result.exists():
        outputs = RunOutputs.of(paths.out, read_json(paths.result))
        outputs.save(paths.result)
        return outputs
    raise _error(last, paths.log)


def follow(file: Path, process: Process, until: float = math.inf) -> Iterator[ProgressEvent]:
    """Yields the events of a growing JSON-lines file until the process has ended and the file is read.

    Args:
        until: ends it earlier, monotonic seconds.
    """
    at = 0
    while True:
        ended = process.exit_code is not None or time.monotonic() >= until
        if file.exists():
            with file.open("rb") as source:
                source.seek(at)
                read = source.read()
            whole = read[: read.rfind(b"\n") + 1]
            at += len(whole)
            yield from map(json.loads, whole.splitlines())
        if ended:
            return
        time.sleep(POLL_S)


def _kind(event: ProgressEvent) -> type[AisleError] | None:
    """The deliberate error that a stage failed with, if it did."""
    kinds = {kind.__name__: kind for kind in AisleError.__subclasses__()} | {"SettingsError": InputError}
    return kinds.get(event.get("error", ""))


def _error(last: ProgressEvent, log: Path) -> AisleError:
    """The stage's own one-line message when it failed on purpose, else the log to read."""
    kind = _kind(last)
    if kind is not None:
        return kind(f"{last['stage']}: {last['message']}")
    match last.get("state"):
        case "failed":
            what = f"{last['stage']}: {last['error']}: {last['message']:.200}"
        case "start":
            what = f"{last['stage']}: expected it to finish, its process was ended (out of memory, or killed)"
        case _:
            what = "the pipeline ended early"
    return StageFailed(f"{what}; the whole log is {log}; run again to continue from here")
