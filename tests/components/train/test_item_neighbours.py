"""Which items are bought together, against hand-computed similarities."""

import math

import numpy as np
import pytest

from components.train.item_neighbours import SHRINK, item_neighbours, with_together
from components.train.past import Past
from model.data.trips import Trips
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs.recipes import full

RUN = full()


def trips(*bought: tuple[str, float, str]) -> Trips:
    return build_trips(purchases(*bought), np.array(list(ITEMS), dtype=object), seconds(90), 100)


def neighbours(past: Trips, window: int = 1, most: int = 10, shrink: float = 1.0) -> dict[str, dict[str, float]]:
    """{item: {neighbour: similarity}, the nearest first}, of items that have any."""
    similar = item_neighbours(Past.of(past, RUN), most, shrink, window=window)
    begin = similar.indptr
    return {
        item: {ITEMS[similar.indices[n]]: float(similar.data[n]) for n in range(begin[i], begin[i + 1])}
        for i, item in enumerate(ITEMS)
        if begin[i + 1] > begin[i]
    }


BASKETS = trips(("u", 1, "a b"), ("u", 10, "a b d"), ("v", 3, "a"), ("v", 9, "d"))


def test_items_of_one_basket_are_alike_by_the_cosine_of_their_baskets() -> None:
    """a is in three baskets, b and d in two; a and b are in two together, a and d, b and d in one; shrunk by 1."""
    similar = neighbours(BASKETS)
    a_b, a_d, b_d = 2 / (math.sqrt(6) + 1), 1 / (math.sqrt(6) + 1), 1 / (2 + 1)
    assert similar == {
        "a": pytest.approx({"b": a_b, "d": a_d}),
        "b": pytest.approx({"a": a_b, "d": b_d}),
        "d": pytest.approx({"b": b_d, "a": a_d}),
    }
    assert [list(row) for row in similar.values()] == [["b", "d"], ["a", "d"], ["b", "a"]]


def test_a_small_basket_counts_with_those_before_it() -> None:
    """v bought a, then d: in windows of two purchases they are together. No window holds two shoppers."""
    alone = trips(("v", 3, "a"), ("v", 9, "d"), ("w", 1, "e"))
    assert neighbours(alone, window=1) == {}
    # Windows {a} and {a, d}: a is in two, d in one.
    similarity = pytest.approx(1 / (math.sqrt(2) + 1))
    assert neighbours(alone, window=2) == {"a": {"d": similarity}, "d": {"a": similarity}}


def test_a_basket_that_is_large_enough_counts_alone_and_an_earlier_one_is_taken_whole() -> None:
    """The last basket has two purchases; a window of three takes all of the basket before it."""
    past = trips(("u", 1, "a"), ("u", 5, "b d"), ("u", 9, "e z"))
    assert set(neighbours(past, window=2)["e"]) == {"z"}
    assert set(neighbours(past, window=3)["e"]) == {"b", "d", "z"}


def test_only_the_nearest_stay() -> None:
    assert [list(row) for row in neighbours(BASKETS, most=1).values()] == [["b"], ["a"], ["b"]]


def test_what_the_ranker_reads_was_together_twice_before_the_moment() -> None:
    """Windows reach back to the whole history here: a is in four, b in two of u, d in one of u and one of v."""
    similarity = 2 / (math.sqrt(4 * 2) + SHRINK)
    catalog = with_together(small_catalog(), BASKETS, RUN, seconds(10) + 1)
    assert catalog.together is not None
    assert catalog.together.begin_I.tolist() == [0, 2, 3, 4, 4, 4]
    assert sorted(catalog.together.near_N[:2].tolist()) == [1, 2] and catalog.together.near_N[2:].tolist() == [0, 0]
    assert catalog.together.similar_N.tolist() == pytest.approx([similarity] * 4)


def test_nothing_at_the_moment_or_after_it_is_known() -> None:
    """u's second basket is of day 10; before it, no two items were together twice."""
    catalog = with_together(small_catalog(), BASKETS, RUN, seconds(10))
    assert catalog.together is not None and not len(catalog.together.near_N)
