"""Starts the training run that the policy decides on, once, and learns its end; the same on a cluster and a laptop.

The record comes first: a run is recorded before it is started, and searched for by its name before it is started
again. So a caller that is killed in between is resumed by the next call, and there is one run.
"""

import dataclasses
from pathlib import Path
from typing import Protocol

from components.artifacts.monitor_report import Evidence, RetrainDecision
from components.artifacts.push_outcome import PushOutcome
from components.kfp_support.progress import progress
from components.monitor.retraining import training_runs
from components.monitor.retraining.policy import HOUR_S, TrainingRun, decide
from model.files import locked
from model.registry.model_registry import Registry
from tfx_configs.monitoring import RetrainSettings, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunStatus:
    """A run where it runs. `ok`: whether it finished without an error; None while it is active."""

    id: str
    ok: bool | None


class Trainer(Protocol):
    """Where training runs are: a KFP server (kfp_trainer.py), or this machine (pipelines/local/monitor_runs.py)."""

    def find(self, name: str) -> RunStatus | None:
        """Return the run of that name; None where there is none."""

    def start(self, name: str, start: Training) -> str:
        """Start a run with this `train.start`; returns its id. It may have ended when this returns."""


class RetrainOutcome(RetrainDecision):
    """What one call of `retrain` decided and did."""

    run: str = ""
    """Name of the run that was started, or empty."""
    last: TrainingRun | None = None
    """The newest run."""


def retrain(
    *,
    record: Path,
    registry: Registry,
    settings: RetrainSettings,
    evidence: Evidence,
    now_s: float,
    trainer: Trainer,
) -> RetrainOutcome:
    """Learn how the last run ended, ask the policy, and start what is due. One caller at a time; others wait.

    Args:
        record: file of the record of training runs.
        registry: where push recorded the outcome of each run.
    """
    with locked(record.with_suffix(".alone")):
        _settle(record, registry, trainer)
        runs = training_runs.read(record)
        due = _waiting(runs, settings, now_s)
        if due is None:
            decision = decide(settings, runs, evidence, now_s)
            if decision.train == "none":
                return RetrainOutcome(**decision.model_dump(), last=runs[-1] if runs else None)
            due = training_runs.start(record, decision, now_s)[-1]
        progress(f"starting {due.name} ({'; '.join(due.reasons)})")
        training_runs.update(record, id=trainer.start(due.name, due.kind))
        _settle(record, registry, trainer)
        last = training_runs.read(record)[-1]
        return RetrainOutcome(train=due.kind, reasons=due.reasons, run=due.name, last=last)


def _settle(record: Path, registry: Registry, trainer: Trainer) -> None:
    """Record what became of the newest run since."""
    runs = training_runs.read(record)
    if not runs or runs[-1].ok is not None:
        return
    newest = runs[-1]
    status = trainer.find(newest.name)
    if status is None:
        if newest.id:  # it began, and was deleted since
            training_runs.update(record, ok=False)
        return
    if not newest.id:
        training_runs.update(record, id=status.id)
    if status.ok is not None:
        outcome = registry.outcome(newest.name)
        blessed = PushOutcome.read(outcome).blessed if outcome.exists() else None
        training_runs.update(record, ok=status.ok, blessed=blessed)
        progress(f"{newest.name} {'finished' if status.ok else 'failed'}, blessed: {blessed}")


def _waiting(runs: tuple[TrainingRun, ...], settings: RetrainSettings, now_s: float) -> TrainingRun | None:
    """Return the newest run where it was decided on and never begun, unless that is too long ago."""
    if not runs or runs[-1].id or runs[-1].ok is not None:
        return None
    return runs[-1] if now_s - runs[-1].began_s < settings.max_run_hours * HOUR_S else None
