"""Opens what `aisle explore` shows: a finished run, or an examples artifact and model directories by name."""

import json
from dataclasses import dataclass
from pathlib import Path

from model.catalog import Catalog
from model.errors import InputError
from model.files import read_json
from model.registry import Registry
from model.task import CATALOG, ITEMS, TRIPS
from model.trips import Trips
from pipelines.explore.features import FeatureReader
from pipelines.explore.lists import Lists, Role
from pipelines.explore.measured import Examiner
from pipelines.explore.opened import open_model
from pipelines.explore.products import Products
from pipelines.explore.shoppers import Shoppers
from pipelines.paths import Paths
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


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that the pages read."""

    shoppers: Shoppers
    products: Products
    reader: FeatureReader
    lists: Lists
    cut_s: int
    run: Path | None


def chosen_run(run: Path) -> Chosen:
    """Stable and canary of a run's registry; without a canary, what was stable before.

    Raises:
        InputError: no run has finished there.
    """
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)
    state = registry.state()
    try:
        outputs = read_json(paths.outputs if paths.outputs.exists() else paths.result)
        settings = RunSettings.from_json(read_json(paths.request)["arguments"]["settings"])
    except (OSError, KeyError, json.JSONDecodeError):
        raise InputError(f"{run}: expected a finished run, found none; run `aisle demo`, or name --examples") from None
    if state.stable is None:
        raise InputError(f"{run}: expected a registry with a stable model, found none; run `aisle demo` first")
    versions = {"stable": state.stable, "canary": state.canary}
    if state.canary is None:
        versions["previous"] = state.previous
    models = {role: registry.path(version) for role, version in versions.items() if version}
    return Chosen(examples=Path(outputs["examples"]), models=models, features=settings.features, run=paths.out)


def chosen_directories(examples: Path, models: list[Path]) -> Chosen:
    """The first directory as stable, the second as canary; features as in the full recipe.

    Raises:
        InputError: expected one or two models.
    """
    if not 1 <= len(models) <= len(NAMES):
        raise InputError(f"expected one or two of --model with --examples, got {len(models)}; name a model directory")
    return Chosen(examples=examples, models=dict(zip(NAMES, models, strict=False)), features=recipes.full().features)


def open_world(chosen: Chosen) -> World:
    """Loads everything; some ten seconds.

    Raises:
        InputError: there are no examples. ModelRefused: a model directory is damaged.
    """
    catalog = Catalog.load(chosen.examples / CATALOG).as_served()
    trips = Trips.load(chosen.examples / TRIPS)
    cut_s = int(catalog.snapshot_W[-1])
    products = Products(chosen.examples / ITEMS, catalog.item_ids, catalog.recent_WI[-1])
    shoppers = Shoppers(trips, chosen.features.max_history)
    reader = FeatureReader(catalog, chosen.features)
    examiner = Examiner(catalog, reader, products, chosen.features.trip_gap_hours)
    roles = []
    for name, directory in chosen.models.items():
        model = open_model(directory)
        same = (model.manifest.cut_s, model.manifest.items) == (cut_s, catalog.items)
        roles.append(Role(name=name, model=model, explained=same))
    return World(
        shoppers=shoppers,
        products=products,
        reader=reader,
        lists=Lists(roles, examiner, shoppers, products),
        cut_s=cut_s,
        run=chosen.run,
    )
