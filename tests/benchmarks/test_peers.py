"""The peers on worlds of a few purchases: every expected value is hand-computed."""

import dataclasses

import numpy as np
import pytest

from benchmarks.peers.base import Exported, Peer, best_items
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import FEATURES, Logistic, pairs
from benchmarks.peers.registry import PEERS, choose
from components.train.baselines.similarity import item_knn, up_cf
from components.train.calibration.logistic_regression import fit_logistic
from model.api import Request
from tests.pencil_world import CUT_DAY, WORLD, trips_of
from tests.worlds import seconds


def ask(peer: Peer, *bought: tuple[str, float], user: str = "?", k: int = 3, exclude: str = "") -> dict[str, float]:
    """{item: score} for a shopper who asks on day 100, best first."""
    request = Request(
        user_id=user,
        time_s=seconds(CUT_DAY),
        history_item=[item for item, _ in bought],
        history_time=np.array([seconds(day) for _, day in bought], np.int64),
        k=k,
        exclude=list(exclude),
    )
    answer = peer.recommend([request])[0]
    return dict(zip(answer.item_ids, answer.scores, strict=True))


def test_popularity_counts_what_is_before_the_cut() -> None:
    assert ask(Popularity().fit(WORLD), k=5) == {"a": 4, "b": 2, "c": 1}


def test_recent_popularity_counts_the_last_days_and_fills_with_the_others() -> None:
    assert ask(Popularity(days=7).fit(WORLD)) == {"a": 1, "c": 1, "b": 0}


def test_the_last_basket_comes_first() -> None:
    assert list(ask(LastBasket().fit(WORLD), ("a", 10), ("b", 10), ("c", 98))) == ["c", "a", "b"]


def test_personal_frequency_counts_and_leaves_its_list_short() -> None:
    assert ask(TopFrequency(fills=False).fit(WORLD), ("c", 1), ("a", 2), ("c", 3)) == {"c": 2, "a": 1}


def test_a_short_list_is_filled_by_popularity() -> None:
    assert list(ask(TopFrequency().fit(WORLD), ("c", 1))) == ["c", "a", "b"]


def test_equal_counts_go_to_the_more_popular_item() -> None:
    assert list(ask(TopFrequency().fit(WORLD), ("c", 1), ("b", 2), ("a", 3))) == ["a", "b", "c"]


def test_decay_halves_a_purchase_every_half_life() -> None:
    peer = TopFrequency(half_life_days=10).fit(WORLD)
    assert ask(peer, ("b", 80), ("b", 90), ("a", 80)) == {"b": 0.75, "a": 0.25, "c": 0}


def test_what_without_purchases_before_the_cut_is_neither_known_nor_recommended() -> None:
    assert list(ask(TopFrequency().fit(WORLD), ("h", 99), ("b", 1), k=9)) == ["b", "a", "c"]


def test_excluded_items_make_room() -> None:
    assert list(ask(TopFrequency().fit(WORLD), ("c", 1), k=2, exclude="a")) == ["c", "b"]


def test_returned_purchases_are_not_learned_from() -> None:
    position = int(np.flatnonzero(WORLD.event_item_E == 2)[0])
    returned = dataclasses.replace(
        WORLD, returned_event_R=np.array([position]), returned_time_R=np.array([seconds(99)])
    )
    assert list(ask(Popularity().fit(returned))) == ["a", "b"]


def test_the_best_of_a_long_list_are_the_same_as_by_sorting_all() -> None:
    scores = np.round(np.random.default_rng(1).normal(size=500), 1)
    assert best_items(scores, 40, fills=True).tolist() == np.argsort(-scores, kind="stable")[:40].tolist()


def test_a_ranker_of_the_product_is_asked_with_the_peers_items_and_filled_by_popularity() -> None:
    """a is in four baskets, b in two, c in one; two hold a and b: 2 / sqrt(8). One holds a and c: 1 / 2."""
    peer = Exported(item_knn, shrink=0, own=False).fit(WORLD)
    assert ask(peer, ("a", 1)) == pytest.approx({"b": 2 / 8**0.5, "c": 0.5, "a": 0})
    assert ask(peer, ("b", 1), ("c", 1), k=1) == pytest.approx({"a": 2 / 8**0.5 + 0.5})


def test_a_ranker_of_the_product_knows_the_asking_shopper_and_no_item_from_after_the_cut() -> None:
    """u alone has c beside others, in half of the baskets; h, bought after the cut, adds to no overlap."""
    peer = Exported(up_cf, recent=100, locality=1, asymmetry=0.5).fit(WORLD)
    history = [("a", 10), ("b", 10), ("a", 98), ("c", 98)]
    assert ask(peer, *history, user="u")["c"] == pytest.approx(0.5)
    assert ask(peer, *history, user="?")["c"] == pytest.approx(0.5 + 0.5)
    assert ask(peer, ("a", 1), ("h", 1)) == pytest.approx(ask(peer, ("a", 1)))


def test_every_peer_answers_with_every_setting_of_its_grid() -> None:
    for name, (make, settings) in PEERS.items():
        for chosen in settings:
            assert set(ask(make(**chosen).fit(WORLD), ("a", 1), k=5)) <= set("abc"), name


def test_logistic_features_of_a_history() -> None:
    """Two trips, on days 80 and 90, as of day 100: a on both, b on the first."""
    peer = Logistic().fit(WORLD)
    request = Request(
        user_id="?",
        time_s=seconds(100),
        history_item=["a", "b", "a"],
        history_time=np.array([seconds(80), seconds(80), seconds(90)]),
    )
    chosen = pairs(peer._asked([request]), half_life_days=10)
    a, b = (dict(zip(FEATURES, row, strict=True)) for row in chosen.feature_PF)
    log = np.log1p
    assert a == pytest.approx(
        {"constant": 1, "count": log(2), "decayed": log(0.75), "last_days": log(10), "gap_days": log(10)}
        | {"overdue": log(1), "trip_share": 1, "in_last_trip": 1}
    )
    assert b == pytest.approx(
        {"constant": 1, "count": log(1), "decayed": log(0.25), "last_days": log(20), "gap_days": 0}
        | {"overdue": 0, "trip_share": 0.5, "in_last_trip": 0}
    )


def test_without_a_penalty_logistic_regression_finds_the_log_odds() -> None:
    """One of four without the feature, three of four with it: the constant is log(1/3), the weight log(9)."""
    feature = np.array([[1.0, 0.0]] * 4 + [[1.0, 1.0]] * 4)
    label = np.array([1, 0, 0, 0, 1, 1, 1, 0.0])
    assert fit_logistic(feature, label, np.zeros(2), np.zeros(2)) == pytest.approx([np.log(1 / 3), np.log(9)])


def test_logistic_learns_from_trips_before_the_cut_with_what_was_before_them() -> None:
    """Everybody buys a on every trip and b once: a comes back, b does not."""
    world = trips_of(*[(u, 10 * day, "a b" if day == 1 else "a") for u in "uvw" for day in range(1, 9)])
    chosen = ask(Logistic(trips=2, l2=0.1).fit(world), ("a", 90), ("b", 90), ("a", 95))
    assert list(chosen) == ["a", "b"] and chosen["a"] > 0.8 > 0.2 > chosen["b"]


def test_settings_are_chosen_on_the_trips_of_the_validation_cut() -> None:
    """u's trip after the cut has what was frequent (a), not what was recent (b)."""
    world = trips_of(("u", 1, "a"), ("u", 2, "a"), ("u", 80, "b"), ("u", 101, "a"))
    settings = [{"half_life_days": 1.0}, {"half_life_days": 1000.0}]
    chosen = choose(TopFrequency, settings, world, world.first_test_trips())
    assert chosen.settings == {"half_life_days": 1000.0}
    assert chosen.tried[1]["ndcg@10"] == 1.0
