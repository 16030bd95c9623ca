"""The main job on one machine: pipeline, rollout under replayed traffic, summary and report."""

import os
import shutil
from pathlib import Path
from typing import Any

from components.artifacts.examples import Examples
from components.rollout.local.processes import REQUESTS
from components.rollout.local.rollout import LocalRollout
from components.rollout.local.trip_traffic import seed_store
from components.rollout.rollout_record import Progress, RolloutResult
from model.errors import InputError
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from pipelines.local.display import Display
from pipelines.local.monitor_runs import monitor_run
from pipelines.local.pipeline_process import run_pipeline
from pipelines.local.run_directory import Paths, alone
from pipelines.local.summary import summarise
from pipelines.report.run import write_report
from tfx_configs.settings import RunSettings


def run_demo(run: RunSettings, out: Path, display: Display) -> dict[str, Any]:
    """Runs everything; returns the summary. The registry starts empty, so that each demo tells the same story.

    Raises:
        AisleError: a stage's own words when one failed on purpose; what the last good run left stays.
    """
    paths = Paths(out=out)
    with alone(out), display:
        shutil.rmtree(paths.next_registry, ignore_errors=True)
        registry = Registry(paths.next_registry)
        outputs = run_pipeline(run, paths, registry, display)
        rollout = _rollout(run, paths, registry, outputs, display)
        shutil.rmtree(paths.registry, ignore_errors=True)
        os.replace(paths.next_registry, paths.registry)
        _monitor(paths, display)
        display.start("report")
        summary = summarise(outputs, rollout, display.seconds())
        write_json(paths.summary, summary)
        write_json(paths.outputs, outputs)
        summary = read_json(paths.summary)  # as a later reader sees it
        write_report(paths.report, summary, _told(paths, outputs))
        display.end("report", message=str(paths.report))
    return summary


def rewrite_report(out: Path) -> Path:
    """Writes a finished run's report again; returns its path. Raises InputError when no run has finished in `out`."""
    paths = Paths(out=out)
    try:
        summary, outputs = read_json(paths.summary), read_json(paths.outputs)
    except (OSError, ValueError):
        raise InputError(f"{out}: expected summary.json and outputs.json of a finished run; run `aisle demo`") from None
    write_report(paths.report, summary, _told(paths, outputs))
    return paths.report


def _told(paths: Paths, outputs: dict[str, str]) -> dict[str, str]:
    """What the report is made from: the pipeline's outputs, and what the monitor left."""
    return outputs | {"monitor": str(paths.monitoring)}


def _monitor(paths: Paths, display: Display) -> None:
    """Every check that needs no TFDV on what the replay left; a failed one is shown and stops nothing."""
    shutil.rmtree(paths.monitoring, ignore_errors=True)
    display.start("monitor")
    if not (paths.rollout / REQUESTS).is_dir():
        display.end("monitor", message="no requests were served")
        return
    report = monitor_run(paths.out, with_distances=False)
    failed = ", ".join(report.failed) or "none"
    display.end("monitor", message=f"{len(report.worst)} checks, failed: {failed}")


def _rollout(
    run: RunSettings, paths: Paths, registry: Registry, outputs: dict[str, str], display: Display
) -> RolloutResult | None:
    """Canaries the pushed model under replayed trips and settles the registry; None when nothing was pushed."""
    state = registry.state()
    trips = Examples(Path(outputs["examples"])).trips()
    display.start("rollout", "starting the model servers and Envoy")
    shutil.rmtree(paths.rollout, ignore_errors=True)
    if state.canary is None:
        seed_store(trips, paths.store, run.features.max_history)
        display.end("rollout", message="no canary: the stable model stays")
        return None
    assert state.stable is not None

    def show(progress: Progress) -> None:
        answered = f"request {progress.requests} of {progress.planned}, {progress.failed} failed"
        display.say("rollout", f"{progress.percent} % declared, {answered}")

    rollout = LocalRollout(
        trips=trips,
        stable_dir=registry.path(state.stable),
        canary_dir=registry.path(state.canary),
        settings=run,
        workdir=paths.rollout,
        registry=registry,
        on_progress=show,
    )
    result = rollout.run()
    if result.final_state.active:
        registry.drop_canary()
    display.end("rollout", message=f"{result.final_state.words}, {result.failed_requests} failed requests")
    return result
