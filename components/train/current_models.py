"""What stands when a run begins: the stable model, which the result is compared with, and may go on from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from components.inference_service.cluster_client import KubeCluster
from components.inference_service.registry_sync import follow
from model.errors import InputError
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry
from tfx_configs.settings import RunSettings

EACH_RUN = "each-run"
"""A data version: whatever the source holds when the run begins. For schedules: their parameters never change."""


class Standing(NamedTuple):
    """Directories, empty where there is none: parameters of the pipeline (pipelines/definitions/training.py)."""

    stable_dir: str
    parent_dir: str
    reference_dir: str


def standing(registry: Registry, run: RunSettings, data_version: str) -> Standing:
    """As the registry has it. A run from scratch has no parent: what is stable then makes no difference to it.

    Raises InputError when the run wants a parent and the stable model is none.
    """
    stable, goes_on = registry.trained_stable(), run.train.start != "scratch"
    if goes_on and not stable:
        raise InputError(
            f"train.start {run.train.start}: expected a stable model that was trained in {registry.root}, found none; "
            "start: scratch"
        )
    return Standing(
        stable_dir=stable,
        parent_dir=stable if goes_on else "",
        reference_dir=reference.find(registry, reference.data_digest(data_version, run.data)),
    )


def version_of(data_version: str, now: datetime) -> str:
    """`data_version`, or for EACH_RUN one that no other run has: nothing made of older tables is taken from a cache."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}" if data_version == EACH_RUN else data_version


def standing_on(namespace: str, registry_dir: str, settings: str, data_version: str) -> Standing:
    """The same on the cluster that this runs in."""
    registry = Registry(Path(registry_dir))
    follow(registry, KubeCluster(namespace))
    return standing(registry, RunSettings.from_json(settings), data_version)
