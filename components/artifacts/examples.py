"""Examples: what the examples stage leaves.

trips/, catalog/     model.data.trips.Trips and model.data.catalog.Catalog
items.parquet        the catalog's attributes as strings; likewise users.parquet, where the data has any
examples.json        ExamplesReport
"""

from pathlib import Path

import pandas as pd

from components.artifacts.artifact import Artifact, ArtifactDirectory, Member
from model.data import columns as c
from model.data.catalog import Catalog
from model.data.task import TaskKind
from model.data.trips import Trips
from model.files import atomic_directory


class ExamplesReport(Artifact, file="examples.json", stage="examples"):
    """Counts; of the vocabulary and the labels as components.examples.run and .labels define them."""

    trips: int
    train_trips: int
    test_trips: int
    items: int
    vocabulary: int
    """Embedding rows of items."""
    vocabulary_coverage: float
    oov_items: int
    oov_buckets: int
    oov_items_colliding: float
    oov_purchases_colliding: float
    lines_after_cut: int
    lines_returned: int
    lines_quantity: int
    lines_gift: int
    lines_late: int
    gift_trips: int
    trips_without_label: int
    quantity_limit: float | None = None
    lines_owned: int = 0
    """Lines that are no label because the shopper had the item: of the next new item."""
    returns_unmatched: int = 0
    """Returns without a purchase that they could take back."""
    views: int = 0
    """Views and carts beside the trips."""
    task: TaskKind = TaskKind.NEXT_BASKET
    task_reason: str = ""
    """Why it is that one."""
    learned_from: tuple[str, ...] = ("purchase",)
    """Event types of histories and training labels."""
    judged_on: tuple[str, ...] = ("purchase",)
    """Event types of the test labels."""
    judged_trips: int = 0
    """Shoppers' first trips at or after the cut, with a history; this and the next three: examples/judgeable.py."""
    cold_trips: int = 0
    unseen_items: int = 0
    unseen_labels_percent: float = 0.0

    @property
    def figures(self) -> dict[str, float]:
        """What KFP shows of the step: the numbers."""
        return {name: value for name, value in self if isinstance(value, int | float)}


class Examples(ArtifactDirectory[ExamplesReport], report=ExamplesReport, marker=Trips.DIRECTORY):
    """Trips with their histories, and the catalog that the model is built on."""

    items = Member("items.parquet")
    users = Member("users.parquet")
    """May not be there."""

    @classmethod
    def save(
        cls,
        directory: Path,
        *,
        trips: Trips,
        catalog: Catalog,
        items: pd.DataFrame,
        users: pd.DataFrame | None,
        report: ExamplesReport,
    ) -> None:
        """Replaces `directory` in one step."""
        with atomic_directory(directory) as fresh:
            out = cls(fresh)
            trips.save(fresh / Trips.DIRECTORY)
            catalog.save(fresh / Catalog.DIRECTORY)
            items.to_parquet(out.items, index=False)
            if users is not None:
                users.to_parquet(out.users, index=False)
            report.save(fresh)

    @property
    def learned_from(self) -> tuple[str, ...]:
        """Event types of histories and training labels; without a report, purchases."""
        no_report = not (self.directory / ExamplesReport.FILE).is_file()
        return (c.PURCHASE,) if no_report else self.report.learned_from

    def trips(self) -> Trips:
        return Trips.load(self.directory / Trips.DIRECTORY)

    def catalog(self) -> Catalog:
        """Raises InputError when there is none."""
        return Catalog.load(self.directory / Catalog.DIRECTORY)
