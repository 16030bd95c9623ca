"""The peers on worlds of a few purchases: every expected value is by pencil."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.peers.base import Peer, best_items
from benchmarks.peers.factors import Ease, ImplicitAls
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import FEATURES, Logistic, newton, pairs
from benchmarks.peers.neighbours import ItemKnn, TifuKnn, UpCf
from benchmarks.peers.search import choose, validation
from model.api import Request
from model.data.trips import Trips
from tests.worlds import seconds

CUT_DAY = 100


def trips_of(*trips: tuple[str, float, str], letters: str = "abcdefgh", stores: Sequence[str] = ("",)) -> Trips:
    """From (shopper, day, "item item ..."), items single letters; the cut is on day 100, the store the last one."""
    trips = tuple(sorted(trips, key=lambda trip: (trip[1], trip[0])))
    users, items = (np.array(sorted(set(names)), dtype=object) for names in ([t[0] for t in trips], letters))
    user, item = ({name: i for i, name in enumerate(names.tolist())} for names in (users, items))
    events = np.array(sorted((user[u], seconds(day), item[i]) for u, day, basket in trips for i in basket.split()))
    user_T = np.array([user[u] for u, _, _ in trips], np.int32)
    time_T = np.array([seconds(day) for _, day, _ in trips])
    lengths = [len(basket.split()) for _, _, basket in trips]
    ends = np.cumsum(lengths)
    return Trips(
        item_ids=items,
        user_ids=users,
        store_ids=np.array(stores, dtype=object),
        event_item_E=events[:, 2].astype(np.int32),
        event_time_E=events[:, 1],
        event_user_E=events[:, 0].astype(np.int32),
        user_T=user_T,
        time_T=time_T,
        store_T=np.full(len(trips), len(stores) - 1, np.int32),
        history_begin_T=np.searchsorted(events[:, 0], user_T),
        history_end_T=np.array(
            [
                np.flatnonzero((events[:, 0] < u) | ((events[:, 0] == u) & (events[:, 1] < t))).size
                for u, t in zip(user_T, time_T, strict=True)
            ]
        ),
        basket_begin_T=ends - lengths,
        basket_end_T=ends,
        basket_item_B=np.array([item[i] for _, _, basket in trips for i in basket.split()], np.int32),
        cut_s=seconds(CUT_DAY),
    )


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


WORLD = trips_of(("u", 10, "a b"), ("u", 98, "a c"), ("v", 20, "a b"), ("w", 50, "a"), ("u", 101, "h"), ("v", 100, "h"))
"""Before the cut: a four times, b twice, c once; h only on the day of the cut and later."""


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


def test_item_knn_is_the_cosine_over_baskets() -> None:
    """a is in four baskets, b in two, c in one; two hold a and b: 2 / sqrt(8). One holds a and c: 1 / 2."""
    peer = ItemKnn(shrink=0, own=False).fit(WORLD)
    assert ask(peer, ("a", 1)) == pytest.approx({"b": 2 / 8**0.5, "c": 0.5, "a": 0})
    assert ask(peer, ("b", 1), ("c", 1), k=1) == pytest.approx({"a": 2 / 8**0.5 + 0.5})


def test_item_knn_keeps_the_nearest_and_shrinks_rare_pairs() -> None:
    assert ask(ItemKnn(neighbours=1, shrink=0, own=True).fit(WORLD), ("a", 1))["a"] == 1
    assert ask(ItemKnn(neighbours=1, shrink=2, own=False).fit(WORLD), ("a", 1)) == pytest.approx(
        {"b": 2 / (8**0.5 + 2), "a": 0, "c": 0}
    )


def test_up_cf_weighs_neighbours_by_the_overlap_of_what_they_bought() -> None:
    """The asker has {a, c}. u: {a, b, c}, overlap 2 / sqrt(6); v: {a, b}, 1 / 2; w: {a}, 1 / sqrt(2).

    b is in half of u's baskets and in all of v's.
    """
    peer = UpCf(recent=100, locality=1, asymmetry=0.5).fit(WORLD)
    u, v, w = 2 / 6**0.5, 0.5, 1 / 2**0.5
    found = ask(peer, ("a", 1), ("c", 2))
    assert found == pytest.approx({"a": 0.5 + u + v + w, "c": 0.5 + u / 2, "b": u / 2 + v})


def test_up_cf_looks_at_recent_baskets_and_near_neighbours_only() -> None:
    """u's last basket is {a, c}; to the third power, the overlaps of u, v and w are those of the test above."""
    found = ask(UpCf(recent=1, locality=3, asymmetry=0.5).fit(WORLD), ("a", 1), ("c", 2))
    u, v, w = (2 / 6**0.5) ** 3, 0.5**3, 0.5**1.5
    assert found == pytest.approx({"c": 1 + u, "a": u + v + w, "b": v})


def test_up_cf_takes_no_shopper_as_their_own_neighbour() -> None:
    peer = UpCf(recent=100, locality=1, asymmetry=0.5).fit(WORLD)
    history = [("a", 10), ("b", 10), ("a", 98), ("c", 98)]
    assert ask(peer, *history, user="u")["c"] == pytest.approx(0.5)
    assert ask(peer, *history, user="?")["c"] == pytest.approx(0.5 + 0.5)


def test_tifu_decays_within_and_between_groups() -> None:
    """Trips x1 x2 x3 in two groups: (x1) and (x2 x3). Within 0.5, between 0.8:
    group 1: x1; group 2: (0.5 x2 + x3) / 2; shopper: (0.8 x1 + (0.5 x2 + x3) / 2) / 2.
    """
    peer = TifuKnn(groups=2, within=0.5, between=0.8, neighbours=1, share=1.0).fit(WORLD)
    assert ask(peer, ("a", 1), ("b", 2), ("c", 3)) == pytest.approx({"a": 0.4, "c": 0.25, "b": 0.125})


def test_tifu_mixes_in_the_nearest_shoppers() -> None:
    """Without decay in one group: u is a + b/2 + c/2, v is a + b, w is a; the asker's a is nearest to w, then to u."""
    peer = TifuKnn(groups=1, within=1.0, neighbours=2, share=0.6).fit(WORLD)
    assert ask(peer, ("a", 1)) == pytest.approx({"a": 1.0, "b": 0.4 * 0.25, "c": 0.4 * 0.25})
    assert ask(peer, ("a", 50), user="w", k=1) == pytest.approx({"a": 1.0})


def test_ease_is_its_closed_form() -> None:
    """u has {a, b, c}, v {a, b}, w {a}. Of a and b: X'X + 1 = [[4, 2], [2, 3]], its inverse [[3, -2], [-2, 4]] / 8,
    so B_ab = -P_ab / P_bb = 1/2 and B_ba = -P_ba / P_aa = 2/3; c is outside the head.
    """
    peer = Ease(l2=1.0, head=2).fit(WORLD)
    assert ask(peer, ("a", 1)) == pytest.approx({"b": 1 / 2, "a": 0, "c": 0})
    assert ask(peer, ("b", 1), ("c", 1)) == pytest.approx({"a": 2 / 3, "b": 0, "c": 0})


def test_ials_with_one_factor_solves_the_asking_shopper_by_the_formula() -> None:
    """x = sum c y / (reg + sum y^2 + sum (c - 1) y^2), c = alpha n of bought items, the middle sum over all items."""
    peer = ImplicitAls(factors=1, regularization=0.5, alpha=2.0, iterations=3).fit(WORLD)
    y = dict(zip(peer.item_ids, peer._model.item_factors[:, 0].tolist(), strict=True))
    square = 0.5 + sum(value**2 for value in y.values())
    x = y["a"] * 2 / (square + (2 - 1) * y["a"] ** 2)
    assert x * y["b"] == pytest.approx(ask(peer, ("a", 1))["b"], rel=1e-3)


def test_logistic_features_of_a_history() -> None:
    """Two trips, on days 80 and 90, as of day 100: a on both, b on the first."""
    peer = Logistic().fit(WORLD)
    request = Request(
        user_id="?",
        time_s=seconds(100),
        history_item=["a", "b", "a"],
        history_time=np.array([seconds(80), seconds(80), seconds(90)]),
    )
    found = pairs(peer._asked([request]), half_life_days=10)
    a, b = (dict(zip(FEATURES, row, strict=True)) for row in found.feature_PF)
    log = np.log1p
    assert a == pytest.approx(
        {"constant": 1, "count": log(2), "decayed": log(0.75), "last_days": log(10), "gap_days": log(10)}
        | {"overdue": log(1), "trip_share": 1, "in_last_trip": 1}
    )
    assert b == pytest.approx(
        {"constant": 1, "count": log(1), "decayed": log(0.25), "last_days": log(20), "gap_days": 0}
        | {"overdue": 0, "trip_share": 0.5, "in_last_trip": 0}
    )


def test_newton_finds_the_log_odds() -> None:
    """One of four without the feature, three of four with it: the constant is log(1/3), the weight log(9)."""
    feature = np.array([[1.0, 0.0]] * 4 + [[1.0, 1.0]] * 4)
    label = np.array([1, 0, 0, 0, 1, 1, 1, 0.0])
    assert newton(feature, label, l2=0.0) == pytest.approx([np.log(1 / 3), np.log(9)])


def test_logistic_learns_from_trips_before_the_cut_with_what_was_before_them() -> None:
    """Everybody buys a on every trip and b once: a comes back, b does not."""
    world = trips_of(*[(u, 10 * day, "a b" if day == 1 else "a") for u in "uvw" for day in range(1, 9)])
    found = ask(Logistic(trips=2, l2=0.1).fit(world), ("a", 90), ("b", 90), ("a", 95))
    assert list(found) == ["a", "b"] and found["a"] > 0.8 > 0.2 > found["b"]


def test_settings_are_chosen_on_the_days_before_the_cut() -> None:
    """u's first trip of the fourteen days, on day 90, has what was frequent (a), the test trip what was recent (b)."""
    world = trips_of(("u", 1, "a"), ("u", 2, "a"), ("u", 80, "b"), ("u", 90, "a"), ("u", 95, "b"), ("u", 101, "b"))
    earlier, which = validation(world)
    assert earlier.cut_s == seconds(86) and [earlier.time_T[t] for t in which] == [seconds(90)]
    chosen = choose(TopFrequency, [{"half_life_days": 1.0}, {"half_life_days": 1000.0}], world)
    assert chosen.settings == {"half_life_days": 1000.0}
    assert chosen.tried[1]["ndcg@10"] == 1.0
