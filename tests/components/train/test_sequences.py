"""What the sequence tower learns from, and that it learns an order that popularity does not know."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from components.train.input_pipeline import LossCurve
from components.train.new_networks import new_networks
from components.train.query_choice import queries, repeat_share
from components.train.sequences import NextPurchases
from components.train.towers import item_index, retrieve, train_towers
from components.train.trip_split import training_trips
from model.api import RECENT_EVENTS
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.ranking.recommender import Recommender
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import EVENTS, at, purchases, seconds
from tfx_configs.recipes import full


def lessons(*bought: tuple[str, float, str], begin: float = 0, end: float = 90) -> NextPurchases:
    trips = build_trips(purchases(*bought), np.array(list(ITEMS), dtype=object), seconds(90), 100)
    return NextPurchases(TripReader(trips, small_catalog()), small_catalog(), seconds(begin), seconds(end), seed=1)


def read(learned: NextPurchases) -> list[tuple[str, int, str]]:
    """(window, place counted from the last, item that comes after it)."""
    fields = learned(np.arange(len(learned)), 0)
    row_N, place_N = np.divmod(fields["row_N"], RECENT_EVENTS)
    return [
        (str(row), int(place) - RECENT_EVENTS, ITEMS[item])
        for row, place, item in zip(row_N, place_N, fields["item_N"], strict=True)
    ]


def test_each_purchase_but_the_first_comes_after_the_one_before_it() -> None:
    """u bought a, b, d; v bought e, z; w once, with nothing to predict."""
    learned = lessons(("u", 1, "a"), ("v", 1, "e"), ("u", 2, "b"), ("u", 5, "d"), ("v", 7, "z"), ("w", 8, "a"))
    assert read(learned) == [("0", -2, "b"), ("0", -1, "d"), ("1", -1, "z")]


def test_what_was_bought_before_is_read_and_not_predicted() -> None:
    assert read(lessons(("u", 1, "a"), ("u", 2, "b"), ("u", 5, "a"), ("u", 6, "d"))) == [("0", -3, "b"), ("0", -1, "d")]


def test_only_purchases_of_the_span_are_predicted_with_all_those_before_them() -> None:
    learned = lessons(("u", 1, "a"), ("u", 2, "b"), ("u", 5, "d"), ("u", 9, "e"), begin=5, end=9)
    assert read(learned) == [("0", -1, "d")]
    fields = learned(np.arange(1), 0)
    assert fields["vocabulary_BR"][0, -2:].tolist() == [0, 1] and (fields["weight_BRL"][0, -2:] > 0).all()


def test_the_last_moment_is_that_of_the_purchase_to_predict() -> None:
    """b was bought three days before d: halved once by the shortest half-life."""
    fields = lessons(("u", 1, "b"), ("u", 4, "d"))(np.arange(1), 0)
    assert fields["weight_BRL"][0, -1, 0] == pytest.approx(0.5)


def test_a_long_history_is_cut_into_windows_that_hold_every_purchase_once() -> None:
    """200 different purchases of one shopper: 199 to predict, in windows of 64 from the last."""
    ids = np.array([f"i{n:03d}" for n in range(200)], dtype=object)
    events = purchases(*(("u", n / 10, str(ids[n])) for n in range(200)))
    trips = build_trips(events, ids, seconds(90), 500)
    catalog = _catalog_of(ids)
    learned = NextPurchases(TripReader(trips, catalog), catalog, seconds(0), seconds(90), seed=1)
    assert len(learned) == 4
    fields = learned(np.arange(4), 0)
    assert sorted(fields["item_N"].tolist()) == list(range(1, 200))
    assert [(fields["weight_BRL"][row, :, 2] > 0).sum() for row in range(4)] == [64, 64, 64, 7]


def _catalog_of(ids: np.ndarray) -> Catalog:
    """Items without attributes, one embedding row each, all popular alike."""
    items = len(ids)
    ones = np.ones((1, items), np.float32)
    return dataclasses.replace(
        small_catalog(),
        item_ids=ids,
        attribute_names=(),
        attribute_sizes=(),
        attribute_IA=np.zeros((items, 0), np.int32),
        vocabulary_I=np.arange(items, dtype=np.int32),
        vocabulary_size=items,
        price_I=np.zeros(items, np.float32),
        repurchase_I=np.zeros(items, np.float32),
        snapshot_W=np.array([seconds(90)]),
        recent_WI=ones,
        decayed_WI=ones,
    )


PAIRS = 8
LAST = 100


def a_then_b() -> tuple[Trips, np.ndarray]:
    """Shoppers buy six of 16 items, one a day: after item 2n comes item 2n + 1, and before it anything even. All items
    are bought equally often, so that popularity knows nothing."""
    rng, rows = np.random.default_rng(2), []
    ids = np.array([f"i{n:02d}" for n in range(2 * PAIRS)], dtype=object)
    for shopper in range(200):
        for pair, day in zip(rng.permutation(PAIRS)[:3], (0, 10, 20), strict=True):
            for n in range(2):
                rows.append((f"u{shopper:03d}", ids[2 * pair + n], at(shopper % 70 + day + n), f"{shopper}-{day}-{n}"))
    events = pd.DataFrame(rows, columns=list(EVENTS[:4])).assign(store="s1", price=1.0)
    events.columns = list(EVENTS)
    return build_trips(events, ids, seconds(LAST), 100), ids


def test_the_sequence_tower_learns_that_b_follows_a_where_popularity_knows_nothing() -> None:
    """What follows is found in the first place nearly always; popularity would find it in one of 16 cases."""
    trips, ids = a_then_b()
    catalog, run = _catalog_of(ids), full().training(dimension=16, uniform_negatives=16, ranking_days=30, query="auto")
    assert repeat_share(trips) == 0 and queries("auto", trips) == ("taste", "sequence")
    tf.keras.utils.set_random_seed(7)
    reader, learning = TripReader(trips, catalog), training_trips(trips, run.train)
    towers, networks = new_networks(run, catalog, "sequence")
    watch = LossCurve("towers")
    train_towers(towers, catalog, reader, learning.early, run.train, watch, valid=learning.valid)
    recommender = Recommender(catalog, run.features, run.candidates, networks=networks)
    which = np.array([trip for trip in learning.ranking if trips.basket(trip)[0] % 2 == 1])
    index = item_index(towers, recommender, catalog, reader, which)
    first = retrieve(recommender, index, reader, which, 1)[:, 0]
    assert np.mean(first == [trips.basket(trip)[0] for trip in which]) > 0.8
    assert watch.curve[-1].val_loss is not None
