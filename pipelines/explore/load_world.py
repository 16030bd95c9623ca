"""Opens what `aisle explore` shows."""

from dataclasses import dataclass
from pathlib import Path

from components.artifacts.examples import Examples
from model.package import model_card as card
from model.package.explainable_model import OpenedModel
from model.registry.model_registry import Registry
from pipelines.explore.counterfactuals import Examiner
from pipelines.explore.features import FeatureReader
from pipelines.explore.lists import Lists, Role
from pipelines.explore.products import Products
from pipelines.explore.run_selection import Chosen
from pipelines.explore.shoppers import Shoppers
from pipelines.local.run_directory import Paths


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that the pages read."""

    shoppers: Shoppers
    products: Products
    reader: FeatureReader
    lists: Lists
    cut_s: int
    run: Path | None


def open_world(chosen: Chosen) -> World:
    """Loads everything; some ten seconds.

    Raises:
        InputError: there are no examples. ModelRefused: a model directory is damaged.
    """
    examples = Examples(chosen.examples)
    catalog, trips = examples.catalog().as_served(), examples.trips()
    cut_s = int(catalog.snapshot_W[-1])
    products = Products(examples.items, catalog.item_ids, catalog.recent_WI[-1])
    shoppers = Shoppers(trips, chosen.features.max_history)
    reader = FeatureReader(catalog, chosen.features)
    examiner = Examiner(catalog, reader, products, chosen.features.trip_gap_hours)
    roles = []
    for name, directory in chosen.models.items():
        model = OpenedModel(directory)
        same = (model.manifest.cut_s, model.manifest.items) == (cut_s, catalog.items)
        roles.append(Role(name=name, model=model, explained=same, card=_card(chosen, directory, model.version)))
    return World(
        shoppers=shoppers,
        products=products,
        reader=reader,
        lists=Lists(roles, examiner, shoppers, products),
        cut_s=cut_s,
        run=chosen.run,
    )


def _card(chosen: Chosen, directory: Path, version: str) -> str:
    """The whole model card where push has left one, else the one in the model directory; empty without either."""
    files = [directory / card.NAME]
    if chosen.run is not None:
        files.insert(0, Registry(Paths(out=chosen.run).registry).card(version))
    return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), "")
