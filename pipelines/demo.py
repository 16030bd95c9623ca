"""The main job on one machine: pipeline, rollout under replayed traffic, summary and report."""

import os
import shutil
from pathlib import Path

from components.artifacts.examples import Examples
from components.rollout.local.processes import REQUESTS
from components.rollout.local.rollout import LocalRollout
from components.rollout.local.trip_traffic import seed_store
from components.rollout.rollout_record import Progress, RolloutResult
from model.errors import InputError
from model.files import remove_unused, unused
from model.registry.model_registry import Registry
from pipelines.local.display import Display
from pipelines.local.monitor_runs import monitor_run
from pipelines.local.pipeline_process import run_pipeline
from pipelines.local.run_directory import Paths, RunOutputs, alone
from pipelines.local.summary import Summary, summarise
from pipelines.report.run import lost_sections, write_report
from pipelines.report.run_files import read_sources
from tfx_configs.settings import RunSettings


def run_demo(run: RunSettings, out: Path, display: Display) -> Summary:
    """Runs everything; returns the summary. The registry starts empty, so that each demo gives the same result.

    Raises:
        AisleError: with a stage's own message when one failed on purpose; the files of the last good run stay.
    """
    paths = Paths(out=out)
    with alone(out), display:
        with unused(paths.rollout):
            pass  # before the work of minutes
        shutil.rmtree(paths.next_registry, ignore_errors=True)
        registry = Registry(paths.next_registry)
        outputs = run_pipeline(run, paths, registry, display)
        rollout = _rollout(run, paths, registry, outputs, display)
        shutil.rmtree(paths.registry, ignore_errors=True)
        os.replace(paths.next_registry, paths.registry)
        _monitor(paths, display)
        display.start("report")
        summarise(outputs, rollout, display.seconds()).save(paths.out)
        outputs.save(paths.outputs)
        summary = Summary.load(paths.out)  # as a later reader sees it
        write_report(paths.report, read_sources(summary, outputs, monitor=paths.monitoring))
        display.end("report", message=str(paths.report))
    return summary


def rewrite_report(out: Path) -> Path:
    """Writes a finished run's report again; returns its path.

    Raises:
        InputError: no run has finished in `out`, a result of it is missing, or the report that is there has a section
            that the new one would lack. The report stays as it is.
    """
    paths = Paths(out=out)
    summary, outputs = Summary.load(out), RunOutputs.load(out, paths.outputs)
    sources = read_sources(summary, outputs, monitor=paths.monitoring)
    for section in lost_sections(paths.report, sources):
        raise InputError(f"{paths.report}: expected the data of its section {section}, found none; copy the whole run")
    write_report(paths.report, sources)
    return paths.report


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
    run: RunSettings, paths: Paths, registry: Registry, outputs: RunOutputs, display: Display
) -> RolloutResult | None:
    """Canaries the pushed model under replayed trips and settles the registry; None when nothing was pushed."""
    state = registry.state()
    trips = Examples(outputs["examples"]).trips()
    display.start("rollout", "starting the model servers and Envoy")
    remove_unused(paths.rollout)
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
