"""Whatever happens at or after a moment, nothing that is known at it changes. Futures are made up by hypothesis."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.examples.catalog import build_catalog
from components.examples.labels import label
from components.train.input_pipeline import LossCurve
from components.train.new_networks import new_networks, recommender_of
from components.train.ranker import train_ranker
from components.train.trip_split import TrainingTrips
from model.candidates.barred import Barred
from model.data import columns as c
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.ranking.recommender import Recommender
from tests.components.examples.histories import ITEM_TABLE, ITEMS, MOMENT_DAY, Row, Shop, shops
from tests.trips_of_events import build_trips, trips_and_lines
from tests.worlds import CUT_DAY, market, seconds
from tfx_configs import recipes
from tfx_configs.labels import LabelSettings
from tfx_configs.settings import CandidateSettings, FeatureSettings
from tfx_configs.units import DAY_S

MOMENT_S = seconds(MOMENT_DAY)
ITEM_IDS = np.array(list(ITEMS), dtype=object)
RANKING_DAYS = 28
FAST = recipes.fast().training(ranking_days=RANKING_DAYS)
RUN = FAST.replace(
    features=FeatureSettings(min_item_count=1, oov_buckets=2, half_lives_days=(7.0,), max_attributes=2),
    candidates=CandidateSettings(retrieved=2, popular=3),
)
AT_THE_CUT = ("price",)
"""Features from the snapshot at the cut. For a training trip that is later than the trip: one median over the training
span, the same for all shoppers."""
POLICY = LabelSettings(
    return_days=30,
    outcome_hours=24.0,
    quantity_quantile=0.9,
    gift_familiarity=0.9,
    gift_size_ratio=1.0,
    gift_min_trips=1,
)
ASKED = Row("u1", "a", 0, 9, 1.0, 1, c.PURCHASE)
"""The trip that asks at the moment: basket u1-9."""
LONG_BASKET = Shop(
    earlier=tuple(
        Row("u1", item, minute, basket, 1.0, 1, c.PURCHASE)
        for item, minute, basket in (("a", -5000, 0), ("b", -4000, 0), ("e", -60, 1))
    ),
    later=(),
    otherwise=(Row("u1", "d", 0, 1, 1.0, 30, c.PURCHASE),),
)
"""The second basket goes on at the moment, in one of the futures."""


def build(events: pd.DataFrame, cut_s: int, policy: LabelSettings) -> Trips:
    """Trips under a label policy, as the examples stage builds them."""
    trips, lines = trips_and_lines(events, ITEM_IDS, cut_s, 6, policy)
    return label(trips, lines, catalog(trips), policy)[0]


def catalog(trips: Trips) -> Catalog:
    return build_catalog(trips, trips.event_price_E, ITEM_TABLE, None, (), RUN)


def asking(trips: Trips) -> int:
    """The trip that ASKED is the basket of: the only one of u1 at the moment that holds nothing but `a`."""
    at_moment = np.flatnonzero((trips.time_T == MOMENT_S) & (trips.user_ids[trips.user_T] == "u1"))
    return int(at_moment[0])


def visible(trips: Trips, until_s: int) -> list[tuple[Any, ...]]:
    """(shopper, moment, store, history with times) of each trip up to a moment."""
    rows = {
        (
            trips.user_ids[trips.user_T[t]],
            int(trips.time_T[t]),
            trips.store_ids[trips.store_T[t]],
            tuple(zip(trips.event_item_E[(at := trips.history(t))], trips.event_time_E[at], strict=True)),
        )
        for t in np.flatnonzero(trips.time_T <= until_s)
    }
    return sorted(rows)


@given(shop=shops(c.PURCHASE, c.PURCHASE, c.RETURN), cut_days=st.integers(-10, 30))
@example(shop=LONG_BASKET, cut_days=5)
def test_no_history_knows_what_happens_at_or_after_its_moment(shop: Shop, cut_days: int) -> None:
    """Trips that begin before the moment, and one that begins at it."""
    cut_s = MOMENT_S + cut_days * DAY_S
    first, other = (build(events, cut_s, LabelSettings()) for events in shop.worlds(ASKED))
    before = [visible(trips, MOMENT_S - 1) for trips in (first, other)]
    assert before[0] == before[1]
    histories = [[trip[3] for trip in visible(t, MOMENT_S) if trip[:2] == ("u1", MOMENT_S)] for t in (first, other)]
    assert set(histories[0]) == set(histories[1]) and len(set(histories[0])) == 1
    assert all(time_s < MOMENT_S for _, time_s in histories[0][0])


@given(shop=shops(c.PURCHASE, c.PURCHASE, c.RETURN))
@example(shop=LONG_BASKET)
def test_no_training_label_knows_what_happens_at_or_after_the_cut(shop: Shop) -> None:
    first, other = (build(events, MOMENT_S, POLICY) for events in shop.worlds())
    labels = [
        sorted(
            (t.user_ids[t.user_T[i]], int(t.time_T[i]), tuple(t.basket(i))) for i in np.flatnonzero(t.time_T < MOMENT_S)
        )
        for t in (first, other)
    ]
    assert labels[0] == labels[1]


@given(shop=shops(c.PURCHASE))
@example(shop=LONG_BASKET)
def test_of_the_catalog_nothing_but_promotions_knows_what_happens_at_or_after_the_cut(shop: Shop) -> None:
    """Vocabulary, attribute codes and their choice, popularity, prices, repurchase rates, shoppers' attributes."""
    first, other = (catalog(build(events, MOMENT_S, POLICY)) for events in shop.worlds())
    for field in dataclasses.fields(Catalog):
        if field.name != "promotions":
            assert np.array_equal(getattr(first, field.name), getattr(other, field.name)), field.name


def ask(events: pd.DataFrame, cut_s: int) -> tuple[dict[str, np.ndarray], list[tuple[int, int]]]:
    """(features of every item, candidates with their source) for the trip that asks at the moment."""
    trips = build(events, cut_s, LabelSettings())
    snapshot = catalog(trips)
    batch = TripReader(trips, snapshot).batch(np.array([asking(trips)]))
    recommender = Recommender(snapshot, RUN.features, RUN.candidates)
    every = np.arange(len(ITEM_IDS), dtype=np.int32)
    value_CF = recommender.features(batch, every, np.array([len(every)]))
    rows = recommender.candidates(batch, np.full((1, 2), -1, np.int32), Barred.none(1), recommender.limit)
    listed = list(zip(rows.item_C.tolist(), rows.source_C.tolist(), strict=True))
    return dict(zip(recommender.features.names, value_CF.T, strict=True)), listed


@given(shop=shops(c.PURCHASE, c.PURCHASE, c.RETURN), cut_days=st.integers(-10, RANKING_DAYS))
@example(shop=LONG_BASKET, cut_days=0)
def test_no_feature_and_no_candidate_knows_what_happens_at_or_after_the_request(shop: Shop, cut_days: int) -> None:
    """As a trip that trains the ranker (the cut is later than the request) and as one that is judged (earlier)."""
    (first, listed), (other, listed_otherwise) = (
        ask(events, MOMENT_S + cut_days * DAY_S) for events in shop.worlds(ASKED)
    )
    assert listed == listed_otherwise
    assert set(first) == set(other)
    for name in set(first) - (set(AT_THE_CUT) if cut_days > 0 else set()):
        assert np.array_equal(first[name], other[name]), name


def test_what_standardises_numbers_does_not_know_what_happens_at_or_after_the_cut() -> None:
    """A shop goes on as before after the cut, or with ten times the purchases, all of its most expensive items."""
    events = market(shoppers=12)["events"]
    before = events[events[c.TIME] < pd.Timestamp(seconds(CUT_DAY), unit="s")]
    after = events.drop(before.index)
    wild = pd.concat([after.assign(**{c.ITEM: f"i3{n}", c.BASKET: f"w{n}-" + after[c.BASKET]}) for n in range(10)])
    first, other = (_moments(pd.concat([before, future])) for future in (after, wild))
    for moment, otherwise in zip(first, other, strict=True):
        assert moment.any() and moment == pytest.approx(otherwise, rel=1e-5, abs=1e-6)


def _moments(events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Means and scales of the ranker's dense features after a training with all negatives."""
    run = recipes.fast().training(ranking_epochs=1, negative_percent=100.0)
    items = market()["items"]
    trips = build_trips(events, items[c.ITEM].to_numpy(object), seconds(CUT_DAY), 100)
    snapshot = build_catalog(trips, trips.event_price_E, items, None, (), run)
    _, networks = new_networks(run, snapshot)
    ranker = networks.ranker
    which = np.flatnonzero((trips.time_T < trips.cut_s) & (trips.time_T >= trips.cut_s - 28 * DAY_S))
    none = {"train": np.full((len(which), 1), -1, np.int32), "valid": np.zeros((0, 1), np.int32)}
    reader = TripReader(trips, snapshot)
    learning = TrainingTrips(early=which[:0], ranking=which, valid=which[:0])
    train_ranker(
        recommender_of(run, snapshot, networks), ranker, reader, learning, none, run.train, LossCurve("ranker")
    )
    return ranker.mean_F.numpy(), ranker.scale_F.numpy()
