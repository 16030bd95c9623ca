"""Training runs on a KFP server, for the policy."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from components.artifacts.monitor_report import MonitorReport
from components.kfp_support.markdown_table import as_markdown
from components.kfp_support.progress import progress
from components.kfp_support.server_client import ENDS, MADE_BY, KfpServer, read_token
from components.monitor.retraining.training_runs import NAME
from components.monitor.retraining.trigger import RetrainOutcome, RunStatus, retrain
from model.errors import InputError
from model.files import write_text
from model.registry.model_registry import Registry
from tfx_configs.monitoring import RetrainSettings, Training
from tfx_configs.resources import CLUSTER_STEPS, size_parameters
from tfx_configs.settings import RunSettings

PIPELINE = "aisle-cluster"
"""What pipelines/definitions/train_and_release.py is called on the server."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KfpTrainer:
    """Runs of one compiled pipeline in one experiment."""

    host: str
    """Of KFP's API."""
    token_file: str
    """File with its bearer token; empty where it needs none."""
    experiment: str
    package: str
    """The compiled pipeline."""
    run: RunSettings
    """Of a run from scratch; `train.start` is the policy's."""
    parameters: Mapping[str, object]
    """Of the pipeline, besides settings, data_version and run_name."""

    @cached_property
    def server(self) -> KfpServer:
        """The connection; it is made once."""
        return KfpServer(self.host, read_token(Path(self.token_file)) if self.token_file else None)

    @cached_property
    def experiment_id(self) -> str:
        """The experiment's id on the server."""
        return self.server.experiment(self.experiment)

    def refuse_schedules(self) -> None:
        """Raise InputError when an enabled schedule of `aisle submit` trains too: one place decides."""
        for schedule in self.server.schedules():
            if schedule.enabled and schedule.about.startswith(f"{MADE_BY}: {PIPELINE},"):
                raise InputError(
                    f"schedule {schedule.name}: expected no training on a schedule beside the policy; "
                    f"turn it off: aisle submit --disable {schedule.name}"
                )

    def find(self, name: str) -> RunStatus | None:
        """Return the newest run of that name, archived ones included."""
        runs = self.server.runs(self.experiment_id, name)
        if not runs:
            return None
        id, state = runs[0]
        return RunStatus(id=id, ok=state == "SUCCEEDED" if state in ENDS else None)

    def start(self, name: str, start: Training) -> str:
        """Start the run. Its name is the data's version too: no run takes old tables from the cache."""
        settings = self.run.training(start=start).to_json()
        limits = size_parameters(self.run.sizes, CLUSTER_STEPS)
        values = {"settings": settings, "data_version": name, "run_name": name, **limits, **self.parameters}
        return self.server.start(self.experiment_id, name, Path(self.package), values)


def retrain_on_server(
    trainer: KfpTrainer | None, settings: RetrainSettings, *, report: str, registry: str, out: str, table: str
) -> str:
    """Start what is due on a KFP server; returns the name of the run, or nothing.

    Args:
        trainer: None: nothing is started.
        report: directory of the monitor's report.
        registry: root of the model registry.
        out: directory of the record of training runs.
        table: file for the outcome as Markdown.

    Raises:
        InputError, StageFailed: no server, no right, or a failure of the server; the next call resumes.
    """
    monitored = MonitorReport.load(Path(report))
    if trainer is None:
        progress("nothing is started from here: the schedule has no settings for a training run")
        outcome = RetrainOutcome(train=monitored.retrain.train, reasons=monitored.retrain.reasons)
    else:
        trainer.refuse_schedules()
        outcome = retrain(
            record=Path(out) / NAME,
            registry=Registry(Path(registry)),
            settings=settings,
            evidence=monitored.evidence,
            now_s=monitored.now_s,
            trainer=trainer,
        )
        progress(f"started {outcome.run}" if outcome.run else f"nothing started: {'; '.join(outcome.reasons)}")
    write_text(Path(table), as_markdown("Retraining", outcome.model_dump(mode="json")))
    return outcome.run
