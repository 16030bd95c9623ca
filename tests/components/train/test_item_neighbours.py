"""Which items are bought together, against hand-computed similarities."""

import math

import numpy as np
import pytest

from components.train.item_neighbours import SHRINK, item_neighbours, with_together, with_together_of
from components.train.past import Past
from components.train.trip_split import TrainingTrips
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


def test_each_table_is_of_what_was_bought_strictly_before_its_moment() -> None:
    """Windows reach back to the whole history here. Before day 3 u's a and b are in one window; on day 10 u's second
    basket is not known yet, and v's d and a are in one window of two."""
    catalog = with_together(small_catalog(), BASKETS, RUN, seconds(3), seconds(10))
    together = catalog.together
    assert together is not None
    assert together.moment_T.tolist() == [seconds(3), seconds(10)]
    assert together.begin_TI.tolist() == [[0, 1, 2, 2, 2, 2], [2, 4, 5, 6, 6, 6]]
    near = together.near_N.tolist()
    assert (near[:2], set(near[2:4]), near[4:]) == ([1, 0], {1, 2}, [0, 0])
    early, late = 1 / (1 + SHRINK), 1 / (math.sqrt(3) + SHRINK)
    assert together.similar_N.tolist() == pytest.approx([early] * 2 + [late] * 4)


def test_trips_learn_from_tables_of_equal_parts_of_them_none_older_than_the_start() -> None:
    """The first table is as of the start, the last one before an eighth of the trips."""
    at = [seconds(day) for day in range(20, 84)]
    past = trips(("u", -50, "a"), *(("u", day, "a") for day in range(20, 84)))  # half of the days are before day 20
    later, none = np.flatnonzero(past.time_T >= at[0]), np.zeros(0, int)
    catalog = with_together_of(
        small_catalog(), past, RUN, TrainingTrips(early=none, ranking=later[:60], valid=later[60:])
    )
    assert catalog.together is not None
    assert catalog.together.moment_T.tolist() == [at[0], *(at[int(63 * part / 8)] for part in range(1, 8))]
