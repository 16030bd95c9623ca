"""What `aisle monitor` does on this machine: a finished run's log and tables through every check, training runs."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc

from components.artifacts.monitor_report import MonitorReport
from components.artifacts.push_outcome import PushOutcome
from components.kfp_support.progress import progress
from components.monitor.data import baseline
from components.monitor.retraining import training_runs
from components.monitor.retraining.trigger import RetrainOutcome, RunStatus, retrain
from components.monitor.run import Inputs, monitor
from components.rollout.local.processes import REQUESTS
from components.rollout.local.trip_traffic import PLAYED
from model.errors import AisleError, InputError
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from model.request_log import reader as request_log
from pipelines.local.display import Display
from pipelines.local.pipeline_process import run_pipeline
from pipelines.local.run_directory import Paths, RunOutputs, alone, settings_of
from tfx_configs.monitoring import MonitorSettings, RetrainSettings, Training
from tfx_configs.settings import RunSettings

KEY = "made-of.json"
"""Beside the baseline: what it was made of, so that it is made again when that changed."""


def monitor_run(
    run: Path,
    now_s: float | None = None,
    settings: MonitorSettings = MonitorSettings(),
    policy: RetrainSettings = RetrainSettings(),
    textfile: Path | None = None,
    ask: Training = "none",
    with_distances: bool = True,
) -> MonitorReport:
    """Monitor the service whose log the run's rollout left.

    Args:
        now_s: unix seconds in data time; None: the moment after the log's last request, as in a replay.
        textfile: another file for Prometheus's figures than that in {run}/monitoring.

    Raises:
        InputError: there is no finished run, or no request log in it.
    """
    paths = Paths(out=run.resolve())
    outputs, of_run = RunOutputs.load(paths.out, paths.result), settings_of(paths)
    log = paths.rollout / REQUESTS
    if now_s is None:
        now_s = _end_of(log)
    out, tables, key = paths.monitoring / "reference", outputs["tables"], paths.monitoring / KEY
    made_of = {
        "outputs": dict(outputs.stored),
        "weeks": settings.history_weeks,
        "sampled": settings.sampled_visits,
        "labels": of_run.labels.to_json(),
    }
    if not key.exists() or read_json(key) != made_of or not out.exists():
        baseline.build(
            tables=tables,
            examples=outputs["examples"],
            out=out,
            run=of_run,
            settings=settings,
            evaluation=outputs["evaluation"],
            validation=outputs["anomalies"],
        )
        write_json(key, made_of)
    inputs = Inputs(baseline=out, log=log, tables=tables, out=paths.monitoring, textfile=textfile)
    return monitor(inputs, now_s, settings, policy, ask, with_distances)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalTrainer:
    """Trains beside a finished run, in `retraining`, into its registry.

    The monitor's baseline stays as it is until a new model is pushed.
    """

    paths: Paths
    """Of the finished run."""
    run: RunSettings
    display: Display
    pipeline: Callable[..., RunOutputs] = run_pipeline

    def find(self, name: str) -> RunStatus | None:
        """Return an ended run; a run that was killed is none, and started again it resumes after its last stage."""
        ended = self._ended(name)
        return RunStatus(id=name, ok=read_json(ended)["ok"]) if ended.exists() else None

    def start(self, name: str, start: Training) -> str:
        """Run the pipeline to its end, good or bad."""
        run = self.run.training(start=start)
        registry = Registry(self.paths.registry)
        place = Paths(out=self.paths.out / "retraining", cache_of=self.paths.out)
        failure = ""
        with alone(self.paths.out):
            try:
                outputs = self.pipeline(run, place, registry, self.display, run_name=name)
            except AisleError as error:
                failure = str(error)
                progress(f"{name} failed: {failure}")
            if not failure and PushOutcome.read(registry.outcome(name)).pushed:
                shutil.copyfile(place.request, self.paths.request)
                outputs.below(self.paths.out).save(self.paths.result)
        write_json(self._ended(name), {"ok": not failure, "error": failure})
        return name

    def _ended(self, name: str) -> Path:
        return self.paths.monitoring / "runs" / f"{name}.json"


def retrain_run(run: Path, report: MonitorReport, display: Display, policy: RetrainSettings) -> RetrainOutcome:
    """Start the training that is due by the report, and wait for its end.

    Raises InputError when there is no finished run.
    """
    paths = Paths(out=run.resolve())
    return retrain(
        record=paths.monitoring / training_runs.NAME,
        registry=Registry(paths.registry),
        settings=policy,
        evidence=report.evidence,
        now_s=report.now_s,
        trainer=LocalTrainer(paths=paths, run=settings_of(paths), display=display),
    )


def _end_of(log: Path) -> float:
    """Return the moment after the last trip that was replayed, or the last request, where none was.

    The replay's closing measurement may ask about later trips, whose purchases never arrived.
    """
    rows = request_log.read(log, columns=["request_id", "time_s"])
    if not len(rows):
        raise InputError(f"{log}: expected requests in the log, found none; a demo's rollout leaves some")
    replayed = rows.filter(pc.starts_with(rows["request_id"], PLAYED))
    return float(pc.max((replayed if len(replayed) else rows)["time_s"]).as_py()) + 1
