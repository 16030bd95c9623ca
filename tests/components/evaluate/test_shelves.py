"""Each shelf is judged by its own part of the basket, with hand-computed values."""

from pathlib import Path

import numpy as np
import pytest

from components.artifacts.examples import Examples
from components.evaluate import shelves
from model.data.catalog import RARE
from model.evaluation.next_basket_task import Task, load_task
from tests.components.evaluate.world import ITEM_IDS, FunctionModel, latest, write_examples


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def task(root: Path) -> Task:
    return load_task(root)


def test_the_type_is_the_attribute_with_the_most_values(root: Path) -> None:
    catalog = Examples(root).catalog()
    type_I = shelves.types_of(catalog)
    departments = catalog.attribute_IA[:, catalog.attribute_names.index("department")]
    assert (type_I == departments).all() and len(set(type_I.tolist())) == 8 and type_I.min() > RARE


def test_a_shelf_of_all_that_was_bought_before_finds_all_repeats_and_nothing_new(task: Task) -> None:
    values = shelves.shelf_values(FunctionModel("v", latest), task, shelves.Parts.of(task, np.full(80, 5)), batch=7)
    trips = task.trips
    for n, trip in enumerate(task.trip_N.tolist()):
        own = list(dict.fromkeys(trips.event_item_E[trips.history(trip)][::-1].tolist()))
        repeats = set(trips.basket(trip).tolist()) & set(own)
        expected = len(repeats & set(own[:10])) / len(repeats) if repeats else np.nan
        assert values[shelves.AGAIN][n] == pytest.approx(expected, nan_ok=True)
    assert np.nansum(values[shelves.NEW]) == 0 and len(values[shelves.NEW]) == len(task.trip_N)


def test_new_items_of_a_known_type_are_variations_and_the_others_discoveries(task: Task) -> None:
    """Items 0 to 39 are of one type, which nearly everybody has bought; 40 and above have none."""
    type_I = np.where(np.arange(80) < 40, RARE + 1, RARE)
    everything = FunctionModel("v", lambda request: list(ITEM_IDS))
    values = shelves.shelf_values(everything, task, shelves.Parts.of(task, type_I), batch=64)
    trips, both = task.trips, 0
    for n, trip in enumerate(task.trip_N.tolist()):
        past = set(trips.event_item_E[trips.history(trip)].tolist())
        shown = [item for item in range(80) if item not in past][:10]
        new = set(trips.basket(trip).tolist()) - past
        knows_low = any(item < 40 for item in past)
        parts = {
            shelves.NEW: new,
            shelves.VARIATION: {item for item in new if item < 40 and knows_low},
            shelves.DISCOVERY: {item for item in new if item >= 40 or not knows_low},
        }
        both += bool(parts[shelves.VARIATION]) and bool(parts[shelves.DISCOVERY])
        for name, part in parts.items():
            expected = len(part & set(shown)) / len(part) if part else np.nan
            assert values[name][n] == pytest.approx(expected, nan_ok=True), name
    assert both > 3
