"""What the ranker learns from: which candidates are drawn, and of which trips the history is barred."""

import dataclasses

import numpy as np
import pytest

from components.train.new_networks import new_networks, recommender_of
from components.train.samples import RANKER_INPUTS, RankingSamples, uniform
from model.candidates.barred import Barred
from model.data.batch import TripReader
from model.data.task import TaskKind
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs import recipes

RUN = recipes.fast()
CATALOG = small_catalog()
TRIPS = build_trips(
    purchases(
        *((f"u{n}", day, items) for n in range(6) for day, items in ((50 + n, "a b"), (60 + n, "e"), (66 + n, "d e"))),
        ("new", 67, "z"),
    ),
    CATALOG.item_ids,
    seconds(90),
    100,
)
READER = TripReader(TRIPS, CATALOG)
WHICH = np.arange(len(TRIPS))
RECOMMENDER = recommender_of(RUN, CATALOG, new_networks(RUN, CATALOG)[1])


def samples(
    seed: int = 7, negative_percent: float = 50.0, new_only_percent: float = 30.0, reader: TripReader = READER
) -> RankingSamples:
    retrieved_Nk = np.full((len(WHICH), 2), -1, np.int32)
    retrieved_Nk[::2, 0] = ITEMS.index("d")
    return RankingSamples(RECOMMENDER, reader, WHICH, retrieved_Nk, seed, negative_percent, new_only_percent)


def drawn(of: RankingSamples, rows: np.ndarray, epoch: int = 0) -> dict[int, list[tuple[str, bool]]]:
    """{trip: (item, whether it was bought) in their order}"""
    sample = of(rows, epoch)
    lists: dict[int, list[tuple[str, bool]]] = {int(WHICH[row]): [] for row in rows}
    _, candidates, bought_C = of.candidates(rows, epoch)
    for row, item, bought in zip(sample["row_C"], candidates.item_C, bought_C, strict=True):
        lists[int(sample["trip_B"][row])].append((ITEMS[item], bool(bought)))
    return lists


def test_what_is_drawn_does_not_depend_on_the_batch_or_its_order() -> None:
    whole = drawn(samples(), WHICH)
    assert any(whole.values())
    for parts in (np.split(WHICH, [1, 2, 7]), [WHICH[::-1]], [WHICH[::2], WHICH[1::2]], WHICH[:, None]):
        together: dict[int, list[tuple[str, bool]]] = {}
        for rows in parts:
            together |= drawn(samples(), rows)
        assert together == whole


@pytest.mark.parametrize("workers", [2, 3])
def test_the_shares_of_workers_add_up_to_the_whole_batch(workers: int) -> None:
    """Each takes every so manieth trip of a batch: features, codes and labels too, candidate by candidate."""
    rows = np.random.default_rng(1).permutation(WHICH)[:12]
    whole = samples()(rows, 3)
    for worker in range(workers):
        share = samples()(rows[worker::workers], 3)
        in_share = whole["row_C"] % workers == worker
        for name in (*RANKER_INPUTS, "label_C"):
            assert np.array_equal(share[name], whole[name][in_share]), name
        assert share["trip_B"].tolist() == whole["trip_B"][worker::workers].tolist()


def test_another_epoch_and_another_seed_draw_others() -> None:
    first = drawn(samples(), WHICH)
    assert drawn(samples(), WHICH) == first
    assert drawn(samples(), WHICH, epoch=1) != first
    assert drawn(samples(seed=8), WHICH) != first


def test_every_positive_of_the_candidates_is_drawn_and_a_share_of_the_rest() -> None:
    everything = drawn(samples(negative_percent=100.0, new_only_percent=0.0), WHICH)
    for percent in (0.0, 50.0):
        part = drawn(samples(negative_percent=percent, new_only_percent=0.0), WHICH)
        for trip, listed in everything.items():
            positives = [pair for pair in listed if pair[1]]
            assert [pair for pair in part[trip] if pair[1]] == positives
            assert set(part[trip]) <= set(listed)
        negatives = sum(not bought for listed in part.values() for _, bought in listed)
        total = sum(not bought for listed in everything.values() for _, bought in listed)
        assert negatives == 0 if percent == 0 else 0.25 * total < negatives < 0.75 * total


def test_what_a_trip_bought_is_what_is_labelled() -> None:
    for trip, listed in drawn(samples(negative_percent=100.0, new_only_percent=0.0), WHICH).items():
        basket = {ITEMS[item] for item in TRIPS.basket(trip)}
        assert {item for item, bought in listed if bought} == basket & {item for item, _ in listed}


def test_of_a_share_of_the_trips_what_was_bought_before_is_barred() -> None:
    history = {int(trip): {ITEMS[i] for i in TRIPS.event_item_E[TRIPS.history(trip)]} for trip in WHICH}
    with_history = {trip for trip, items in history.items() if items}

    def barred(percent: float) -> set[int]:
        lists = drawn(samples(negative_percent=100.0, new_only_percent=percent), WHICH)
        return {trip for trip in with_history if not history[trip] & {item for item, _ in lists[trip]}}

    assert barred(0.0) == set() and barred(100.0) == with_history
    assert set() < barred(50.0) < with_history and barred(30.0) <= barred(50.0)


def test_where_only_what_is_new_counts_every_history_is_barred() -> None:
    reader = TripReader(dataclasses.replace(TRIPS, task=TaskKind.NEXT_NEW_ITEM), CATALOG)
    of = samples(negative_percent=100.0, new_only_percent=0.0, reader=reader)
    for trip, listed in drawn(of, WHICH).items():
        assert not {ITEMS[i] for i in TRIPS.event_item_E[TRIPS.history(trip)]} & {item for item, _ in listed}


def test_a_sample_of_no_trips_has_every_array_and_its_type() -> None:
    nothing, something = samples()(WHICH[:0], 0), samples()(WHICH, 0)
    assert {name: (a.dtype, a.shape[1:]) for name, a in nothing.items()} == {
        name: (a.dtype, a.shape[1:]) for name, a in something.items()
    }
    assert not any(len(array) for array in nothing.values())


def test_the_histories_of_some_requests_are_barred() -> None:
    asked = batch(Ask(70, (("a", 1), ("b", 2))), Ask(70), Ask(70, (("d", 3),)), Ask(70, (("e", 4), ("e", 5))))
    barred = Barred.histories(asked, np.array([False, True, True, True]))
    assert "".join(ITEMS[item] for item in barred.item_X) == "dee"
    assert barred.end_B.tolist() == [0, 0, 1, 3]
    assert Barred.histories(asked, np.zeros(4, bool)).end_B.tolist() == [0, 0, 0, 0]


def test_numbers_drawn_are_uniform_and_independent_of_each_other() -> None:
    trip_N, item_N = (grid.ravel() for grid in np.meshgrid(np.arange(300), np.arange(300)))
    values = uniform(7, 0, trip_N, item_N)
    assert values.min() >= 0 and values.max() < 1 and len(np.unique(values)) == len(values)
    shares, _ = np.histogram(values, 20, (0, 1))
    assert np.abs(shares / len(values) - 0.05).max() < 0.004
    for other in (uniform(7, 1, trip_N, item_N), uniform(8, 0, trip_N, item_N), uniform(7, 0, trip_N, item_N + 1)):
        assert abs(np.corrcoef(values, other)[0, 1]) < 0.02
    grid = values.reshape(300, 300)
    assert abs(np.corrcoef(grid[:-1].ravel(), grid[1:].ravel())[0, 1]) < 0.02


def test_numbers_drawn_are_the_same_whatever_the_integers_type() -> None:
    wide = uniform(7, 2, np.array([5, 6]), np.array([1, 2]))
    assert wide.tolist() == uniform(7, 2, np.array([5, 6], np.int32), np.array([1, 2], np.int32)).tolist()
    assert uniform(7, 2, np.array([6]), np.array([2])).tolist() == wide[1:].tolist()
