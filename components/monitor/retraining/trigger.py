"""A training run out of the policy: decided, started once, its end learned. The same on a cluster and on a laptop.

The record comes first: a run is written down before it is started, and looked for by its name before it is started
again. So whoever is killed in between, the next look goes on from there, and there is one run.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from components.artifacts.push_outcome import PushOutcome
from components.kfp_support.progress import progress
from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import HOUR_S, Decision, Evidence, Run, decide
from model.registry.model_registry import Registry
from tfx_configs.monitoring import STARTS, RetrainSettings
from tfx_configs.settings import Start


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """A run where runs are. `ok`: whether it came to its end; None while it is under way."""

    id: str
    ok: bool | None


class Trainer(Protocol):
    """Where training runs are: a KFP server (kfp_trainer.py), or this machine (pipelines/local/trainer.py)."""

    def find(self, name: str) -> Found | None:
        """The run of that name; None where there is none."""
        ...

    def start(self, name: str, start: Start) -> str:
        """Starts a run with this `train.start`; returns its id. It may have ended when this returns."""
        ...


def retrain(
    path: Path, registry: Registry, settings: RetrainSettings, evidence: Evidence, now_s: float, trainer: Trainer
) -> dict[str, Any]:
    """Learns how the last run ended, asks the policy, and starts what is due. One caller at a time; others wait.

    Args:
        path: the record of training runs.
        registry: where push kept what became of a run.

    Returns:
        {train, start, reasons: of the decision; run: the name of what was started, or empty; last: the newest run}.
    """
    with record.alone(path):
        _settle(path, registry, trainer)
        due = _waiting(record.read(path), settings, now_s)
        if due is None:
            decision = decide(settings, record.read(path), evidence, now_s)
            if decision.train == "none":
                return _told(decision, path)
            due = record.started(path, decision, now_s)[-1]
        progress(f"starting {due.name} ({'; '.join(due.reasons)})")
        record.known(path, trainer.start(due.name, STARTS[due.kind]))
        _settle(path, registry, trainer)
        return _told(Decision(train=due.kind, reasons=due.reasons), path, due.name)


def evidence_of(report: Mapping[str, Any]) -> Evidence:
    """What monitor.json says of it."""
    found = report["evidence"]
    return Evidence(**found | {"quality": tuple(found["quality"]), "drift": tuple(found["drift"])})


def _settle(path: Path, registry: Registry, trainer: Trainer) -> None:
    """Writes down what became of the newest run since."""
    runs = record.read(path)
    if not runs or runs[-1].ok is not None:
        return
    newest = runs[-1]
    found = trainer.find(newest.name)
    if found is None:
        if newest.id:  # it began, and somebody deleted it
            record.ended(path, ok=False)
        return
    if not newest.id:
        record.known(path, found.id)
    if found.ok is not None:
        outcome = registry.outcome(newest.name)
        blessed = PushOutcome.read(outcome).blessed if outcome.exists() else None
        record.ended(path, found.ok, blessed)
        progress(f"{newest.name} {'finished' if found.ok else 'failed'}, blessed: {blessed}")


def _waiting(runs: tuple[Run, ...], settings: RetrainSettings, now_s: float) -> Run | None:
    """The newest run where it was decided on and never begun, unless that is too long ago."""
    if not runs or runs[-1].id or runs[-1].ok is not None:
        return None
    return runs[-1] if now_s - runs[-1].began_s < settings.max_run_hours * HOUR_S else None


def _told(decision: Decision, path: Path, run: str = "") -> dict[str, Any]:
    runs = record.read(path)
    told = {"train": decision.train, "start": decision.start, "reasons": list(decision.reasons), "run": run}
    return told | {"last": {"name": runs[-1].name} | dataclasses.asdict(runs[-1]) if runs else None}
