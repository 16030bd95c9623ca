"""What the monitor compares with, kept for each model that was pushed: ROOT/monitoring/references/VERSION."""

from collections.abc import Mapping
from pathlib import Path

from components.artifacts.push_outcome import PushOutcome
from components.inference_service.cluster_client import KubeCluster
from components.inference_service.registry_sync import follow
from components.kfp_support.progress import progress
from components.monitor.data import baseline as reference
from model.errors import InputError
from model.registry.model_registry import Registry
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import RunSettings


def keep(registry: Registry, outcome: Path, stages: Mapping[str, Path], run: RunSettings) -> Path | None:
    """Builds the reference of the model that push took, with the monitor's default settings; returns its directory.

    None, and nothing is built, where push took none. What is there already stays.

    Args:
        outcome: the file of push's outcome.
        stages: {tables, examples, evaluation, validation: directory} of the run that made the model.
    """
    done = PushOutcome.read(outcome)
    if not done.blessed:
        return None
    kept = _path(registry, done.version)
    if not kept.exists():
        places = (stages["tables"], stages["examples"], kept, run, MonitorSettings())
        reference.build(*places, stages["evaluation"], stages["validation"])
        progress(f"{done.version}: what the monitor compares with is stored")
    return kept


def keep_in(registry_dir: str, outcome: str, stages: Mapping[str, str], settings: str) -> str:
    """The same on words; returns the directory, empty where there is none."""
    places = {name: Path(place) for name, place in stages.items()}
    kept = keep(Registry(Path(registry_dir)), Path(outcome), places, RunSettings.from_json(settings))
    return str(kept) if kept else ""


def in_force(registry: Registry) -> Path:
    """The reference of the stable model; before the first promotion, that of the canary beside the baseline.

    Raises InputError when neither has one.
    """
    state = registry.state()
    for version in filter(None, (state.stable, state.canary)):
        if _path(registry, version).exists():
            return _path(registry, version)
    raise InputError(
        f"{registry.root}: expected a model with a reference for the monitor, found none; "
        "start one training run by hand (aisle submit)"
    )


def in_force_on(namespace: str, registry_dir: str) -> str:
    """The same on the cluster that this runs in, as its rollout left it."""
    registry = Registry(Path(registry_dir))
    follow(registry, KubeCluster(namespace))
    return str(in_force(registry))


def _path(registry: Registry, version: str) -> Path:
    return registry.root / "monitoring" / "references" / version
