"""What `aisle explore` shall open: a finished run, or an examples artifact and model directories by name.

Refuses what is wrong before anything heavy is loaded.
"""

from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError
from model.files import read_json
from model.package.manifest import TRAINING
from model.registry.model_registry import Registry
from pipelines.local.run_directory import Paths, RunOutputs, settings_of
from tfx_configs import recipes
from tfx_configs.settings import FeatureSettings, RunSettings

NAMES = ("stable", "canary")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What to open. `models`: {role: model directory}, one or two, the first the one in production."""

    examples: Path
    models: dict[str, Path]
    features: FeatureSettings
    run: Path | None = None
    """The run with its rollout, where it is one."""


def chosen_run(run: Path) -> Chosen:
    """Stable and canary of a run's registry; without a canary, what was stable before.

    Raises:
        InputError: no run has finished there.
    """
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)
    state = registry.state()
    settings = settings_of(paths)
    examples = RunOutputs.load(paths.out, paths.outputs, paths.result)["examples"]
    if state.stable is None:
        raise InputError(f"{run}: expected a registry with a stable model, found none; run `aisle demo` first")
    versions = {"stable": state.stable, "canary": state.canary}
    if state.canary is None:
        versions["previous"] = state.previous
    models = {role: registry.path(version) for role, version in versions.items() if version}
    return Chosen(examples=examples, models=models, features=settings.features, run=paths.out)


def chosen_directories(examples: Path, models: list[Path]) -> Chosen:
    """The first directory as stable, the second as canary; features as a model of them was trained with, else as in the
    full recipe.

    Raises:
        InputError: expected one or two models.
    """
    if not 1 <= len(models) <= len(NAMES):
        raise InputError(f"expected one or two of --model with --examples, got {len(models)}; name a model directory")
    return Chosen(examples=examples, models=dict(zip(NAMES, models, strict=False)), features=_features(models))


def _features(models: list[Path]) -> FeatureSettings:
    for directory in models:
        path = directory / TRAINING
        settings = read_json(path).get("settings") if path.is_file() else None
        if settings:
            return RunSettings.from_dict(settings).features
    return recipes.full().features
