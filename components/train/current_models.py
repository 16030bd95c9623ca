"""The models that a run begins with: the stable one, which the result is compared with, and may start from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from components.inference_service.cluster_client import Cluster
from components.kfp_support.program_version import code_version
from model.errors import InputError
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry
from tfx_configs.settings import RunSettings
from tfx_configs.stages import stage_parameters

EACH_RUN = "each-run"
"""A data version: what the source holds when the run begins. For schedules: their parameters never change."""


class CurrentModels(NamedTuple):
    """Directories, empty where there is none: parameters of the pipeline (pipelines/definitions/training.py)."""

    stable_dir: str
    parent_dir: str
    reference_dir: str


def current_models(registry: Registry, run: RunSettings, data_version: str) -> CurrentModels:
    """The registry's. A run from scratch has no parent: which model is stable then makes no difference to it.

    Raises InputError when the run wants a parent and the stable model is none.
    """
    stable, has_parent = registry.trained_stable(), run.train.start != "scratch"
    if has_parent and not stable:
        raise InputError(
            f"train.start {run.train.start}: expected a stable model that was trained in {registry.root}, found none; "
            "start: scratch"
        )
    return CurrentModels(
        stable_dir=stable,
        parent_dir=stable if has_parent else "",
        reference_dir=reference.find(registry, reference.data_digest(data_version, run.data)),
    )


class Beginning(NamedTuple):
    """What a run on a cluster begins with: parameters of the pipeline's other steps."""

    stable_dir: str
    parent_dir: str
    reference_dir: str
    settings: str
    """RunSettings as JSON."""
    ingest_settings: str
    """What the stage reads of them (tfx_configs/stages.py), as of the others."""
    validate_settings: str
    examples_settings: str
    train_settings: str
    baselines_settings: str
    evaluate_settings: str
    data_version: str
    code_version: str
    """Digest of the program that this step runs."""

    @property
    def facts(self) -> dict[str, str]:
        """{name: value} to show; the settings by stage are parts of the whole ones."""
        return {name: value for name, value in self._asdict().items() if not name.endswith("_settings")}


def begin_on(*, namespace: str, registry_dir: Path, run: RunSettings, data_version: str) -> Beginning:
    """The same on the cluster that this runs in, with the versions of data and program that the run has."""
    version = version_of(data_version)
    current = current_models(Registry(registry_dir, Cluster(namespace).roles), run, version)
    settings = {"settings": run.to_json(), **stage_parameters(run)}
    return Beginning(*current, **settings, data_version=version, code_version=code_version())


def version_of(data_version: str, now: datetime | None = None) -> str:
    """`data_version`, or for EACH_RUN one that no other run has: nothing made of older tables is taken from a cache."""
    moment = now.astimezone(UTC) if now else datetime.now(UTC)
    return f"{moment:%Y%m%dT%H%M%S.%fZ}" if data_version == EACH_RUN else data_version
