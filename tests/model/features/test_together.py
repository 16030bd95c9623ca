"""What goes together with the last purchases, against hand-computed sums."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model.data.catalog import Catalog
from model.features.matrix import Features
from model.features.together import EVENTS
from tests.model.small_catalog import ITEMS, TOGETHER, Ask, batch, small_catalog
from tfx_configs.settings import FeatureSettings


def catalog() -> Catalog:
    return dataclasses.replace(small_catalog(), together=TOGETHER)


def values(*asks: Ask) -> dict[str, list[float]]:
    """{feature: value of each item for each request}."""
    features = Features(catalog(), FeatureSettings())
    item_C = np.array([ITEMS.index(item) for _ in asks for item in ITEMS], np.int32)
    end_B = len(ITEMS) * (1 + np.arange(len(asks)))
    matrix = features(batch(*asks), item_C, end_B)
    return dict(zip(features.names, matrix.T.tolist(), strict=True))


def test_the_similarities_of_the_last_purchases_are_summed_each_halved_every_60_days() -> None:
    """At day 70 a was bought 60 and 0 days ago, b 60 days ago."""
    read = values(Ask(70, (("a", 10), ("b", 10), ("a", 70))))
    assert read["together"] == pytest.approx([0, 1.5 * 0.5, 1.5 * 0.25, 0, 0.5 * 0.125])


def test_the_last_moment_counts_apart_and_in_full() -> None:
    """At day 70: b and a were bought together 60 days ago, and nothing since; a alone the time before."""
    read = values(Ask(70, (("a", 5), ("a", 10), ("b", 10))))
    assert read["together_last"] == pytest.approx([0, 0.5, 0.25, 0, 0.125])


def test_the_share_is_that_of_the_largest_sum_of_any_item() -> None:
    """At day 70 a and b were bought just now: b has .5, d .25, z .125, and b is the largest though not asked about."""
    features = Features(catalog(), FeatureSettings())
    item_C = np.array([ITEMS.index(item) for item in "dza"], np.int32)
    matrix = features(batch(Ask(70, (("a", 70), ("b", 70)))), item_C, np.array([3]))
    assert matrix[:, features.names.index("together_share")].tolist() == [0.5, 0.25, 0.0]


@pytest.mark.parametrize(("day", "similar"), [(30, "e"), (59, "e"), (60, "b"), (70, "b")])
def test_a_request_reads_the_last_table_at_or_before_its_moment(day: int, similar: str) -> None:
    read = values(Ask(day, (("a", 20),)))["together"]
    assert ITEMS[int(np.argmax(read))] == similar


def test_without_a_history_nothing_goes_together() -> None:
    both = values(Ask(70), Ask(70, (("a", 60),)))["together"]
    assert both[:5] == [0.0] * 5 and both[6] > 0


def test_only_the_last_purchases_count() -> None:
    """As many purchases of e, which goes with nothing, as are read, and before them one of a."""
    bought = (("a", 10), *(("e", 20 + n / 10) for n in range(EVENTS)))
    assert values(Ask(70, bought))["together"] == [0.0] * 5
    assert values(Ask(70, bought[:-1]))["together"][1] > 0


def test_a_catalog_that_no_training_saw_has_no_neighbours() -> None:
    features = Features(small_catalog(), FeatureSettings())
    matrix = features(batch(Ask(70, (("a", 60),))), np.arange(5, dtype=np.int32), np.array([5]))
    assert not matrix[:, features.names.index("together")].any()


def test_a_catalog_keeps_its_neighbours_on_disk(tmp_path: Path) -> None:
    catalog().save(tmp_path / "catalog")
    read = Catalog.load(tmp_path / "catalog").as_served().together
    assert read is not None
    for loaded, saved in zip(read, TOGETHER, strict=True):
        assert np.array_equal(loaded, saved)
    small_catalog().save(tmp_path / "other")
    assert Catalog.load(tmp_path / "other").together is None
