"""The main job on one machine: pipeline, rollout under replayed traffic, summary and report."""

import dataclasses
import fcntl
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.rollout.processes import running
from model.errors import AisleError, InputError, StageFailed
from model.files import read_json, write_json
from model.registry import Registry
from model.trips import Trips
from pipelines.display import Display
from pipelines.replay import Progress, RolloutResult, run_rollout
from pipelines.report.run import write_report
from pipelines.summary import summarise
from pipelines.versions import code_version, data_version
from tfx_configs.settings import RunSettings

POLL_S = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paths:
    """Where a run keeps what: everything below one directory."""

    out: Path

    def __getattr__(self, name: str) -> Path:
        return self.out / _FILES[name]


_FILES = {
    "registry": "registry",
    "rollout": "rollout",
    "pipeline_root": "pipeline",
    "cache": "cache",
    "request": "request.json",
    "outputs": "outputs.json",
    "progress": "progress.jsonl",
    "log": "pipeline.log",
    "summary": "summary.json",
    "report": "report.html",
}


def run_demo(run: RunSettings, out: Path, display: Display) -> dict[str, Any]:
    """Runs everything; returns the summary. The registry starts empty, so that each demo tells the same story.

    Raises:
        AisleError: a stage's own words when one failed on purpose; what the last good run left stays.
    """
    paths = Paths(out=out)
    with _only_one(out), display:
        shutil.rmtree(paths.registry, ignore_errors=True)
        outputs = run_pipeline(run, paths, Registry(paths.registry), display)
        rollout = _rollout(run, paths, outputs, display)
        display.start("report")
        summary = summarise(outputs, rollout, display.seconds())
        write_json(paths.summary, summary)
        write_report(paths.report, summary, outputs)
        display.end("report", message=str(paths.report))
    return summary


def run_pipeline(
    run: RunSettings, paths: Paths, registry: Registry, display: Display, override_reason: str = ""
) -> dict[str, str]:
    """Runs the training pipeline in a process of its own; returns {output name: path}."""
    stable = registry.state().stable
    request = {
        "arguments": {
            "settings": run.to_json(),
            "data_version": data_version(run.data),
            "code_version": code_version(),
            "registry": str(registry.root),
            "blessed_dir": _blessed(registry, stable),
            "override_reason": override_reason,
        },
        "pipeline_root": str(paths.pipeline_root),
        "cache_root": str(paths.cache),
        "result": str(paths.outputs),
    }
    write_json(paths.request, request)
    for stale in (paths.outputs, paths.progress):
        stale.unlink(missing_ok=True)
    failure: dict[str, Any] = {}
    command = [sys.executable, "-m", "pipelines.local", str(paths.request)]
    with running("pipeline", command, paths.log, {"AISLE_PROGRESS_FILE": str(paths.progress)}) as process:
        for event in _follow(paths.progress, process):
            display.event(event)
            if event.get("state") == "failed":
                failure = event
    if paths.outputs.exists():
        outputs: dict[str, str] = read_json(paths.outputs)
        return outputs
    raise _error(failure, paths.log)


def _blessed(registry: Registry, stable: str | None) -> str:
    """Directory of the stable model when it is one that the pipeline made; a baseline is compared with anyway."""
    from model.manifest import read_manifest

    if stable is None or read_manifest(registry.path(stable)).kind != "aisle":
        return ""
    return str(registry.path(stable))


def _follow(file: Path, process: Any) -> Iterator[dict[str, Any]]:
    """Yields the events of a growing JSON-lines file until the process has ended and the file is read."""
    at = 0
    while True:
        ended = process.exit_code is not None
        if file.exists():
            with file.open(encoding="utf-8") as source:
                source.seek(at)
                text = source.read()
            whole = text[: text.rfind("\n") + 1]
            at += len(whole.encode())
            yield from map(json.loads, whole.splitlines())
        if ended:
            return
        time.sleep(POLL_S)


def _error(failure: dict[str, Any], log: Path) -> AisleError:
    """The stage's own one-line words when it failed on purpose, else where to look."""
    kinds = {kind.__name__: kind for kind in _subclasses(AisleError)} | {"SettingsError": InputError}
    kind = kinds.get(failure.get("error", ""))
    if kind is not None:
        return kind(f"{failure['stage']}: {failure['message']}")
    what = (
        f"stage {failure['stage']}: {failure['error']}: {failure['message']}" if failure else "the pipeline ended early"
    )
    return StageFailed(f"{what[:300]}; the whole log is {log}")


def _subclasses(kind: type[AisleError]) -> Iterator[type[AisleError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _subclasses(child)


def _rollout(run: RunSettings, paths: Paths, outputs: dict[str, str], display: Display) -> RolloutResult | None:
    """Canaries the pushed model under replayed trips and settles the registry; None when nothing was pushed."""
    registry = Registry(paths.registry)
    state = registry.state()
    display.start("rollout", "starting the model servers and Envoy")
    if state.canary is None:
        display.end("rollout", message="no canary: the stable model stays")
        return None
    assert state.stable is not None

    def show(progress: Progress) -> None:
        played = f"request {progress.requests} of {progress.planned}, {progress.failed} failed"
        display.say("rollout", f"{progress.percent} % declared, {played}")

    trips = Trips.load(Path(outputs["examples"]) / "trips")
    shutil.rmtree(paths.rollout, ignore_errors=True)
    result = run_rollout(
        trips, registry.path(state.stable), registry.path(state.canary), run, paths.rollout, on_progress=show
    )
    if result.final_state == "promoted":
        registry.promote()
    else:
        registry.drop_canary()
    display.end("rollout", message=f"{result.final_state.replace('_', ' ')}, {result.failed_requests} failed requests")
    return result


@contextmanager
def _only_one(out: Path) -> Iterator[None]:
    """Two runs in one directory would overwrite each other: the second is refused."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another run is at work there; wait for it or choose another --out") from None
        yield
