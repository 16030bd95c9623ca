"""The pool against hand-computed values: what is in it, once, and why."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from model.api import SOURCES
from model.candidates.barred import Barred
from model.candidates.line import INPUTS, LINE, line_by_source, line_inputs
from model.candidates.pool import Listed, Pools
from model.data.batch import rows_of
from model.data.catalog import Promotions
from model.features.matrix import Features
from model.features.seen import NEVER_DAYS
from model.ranking.recommender import Recommender
from tests.model.fake_networks import FakeNetworks
from tests.model.small_catalog import ITEMS, TOGETHER, Ask, batch, promotion, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings

NOTHING: list[tuple[int, str]] = []
LOG_21, NEVER = np.log1p(20), np.log1p(np.float32(NEVER_DAYS))
INDEX = {item: i for i, item in enumerate(ITEMS)} | {"-": -1}


def candidates(
    *asks: Ask, retrieved: list[str], exclude: list[tuple[int, str]] = NOTHING, **sizes: int
) -> list[list[tuple[str, str]]]:
    """(item, reason) of each request's candidates, in the order in which they are listed.

    Args:
        retrieved: what the towers found for each request; `-` is an empty place.
    """
    settings = CandidateSettings(**{"retrieved": 10, "popular": 2, **sizes})
    recommender = Recommender(small_catalog(), FeatureSettings(), settings)
    listed = recommender.candidates(batch(*asks), places_of(*retrieved), barred(len(asks), exclude), settings.limit)
    lists: list[list[tuple[str, str]]] = [[] for _ in asks]
    for item, source, row in zip(listed.item_C, listed.source_C, listed.rows(), strict=True):
        lists[row].append((ITEMS[item], SOURCES[source]))
    return lists


def places_of(*retrieved: str) -> np.ndarray:
    return np.array([[INDEX[item] for item in items] for items in retrieved], np.int32).reshape(len(retrieved), -1)


def barred(requests: int, exclude: list[tuple[int, str]]) -> Barred:
    rows = sorted(exclude, key=lambda pair: pair[0])
    ends = np.searchsorted([row for row, _ in rows], np.arange(requests), side="right")
    return Barred(np.array([INDEX[item] for _, item in rows], np.int32), ends.astype(np.int64))


def pool(*asks: Ask, retrieved: np.ndarray, promotions: tuple[Promotions, ...] = (), places: int = 10) -> Listed:
    """Everything in the pools. places: of the towers' list."""
    catalog = small_catalog(promotions)
    pools = Pools(catalog, CandidateSettings(retrieved=places), Features(catalog, FeatureSettings()))
    return pools(batch(*asks), retrieved, Barred.none(len(asks)), line_by_source(), 1000)


def reasons(*pairs: str) -> list[tuple[str, str]]:
    """`o` own, `g` goes with it, `t` towers, `p` popular: "ao" is item a, bought before."""
    names: dict[str, Any] = dict(zip("ogtp", SOURCES, strict=True))
    return [(pair[0], names[pair[1]]) for pair in pairs]


def test_an_item_of_several_sources_is_listed_once_for_the_first_of_them() -> None:
    """In week 1 the most popular are b (4) and e (3)."""
    ask = Ask(70, (("a", 60), ("e", 61), ("a", 62)))
    (listed,) = candidates(ask, retrieved=["edb"])
    assert sorted(listed) == sorted(reasons("ao", "eo", "dt", "bt"))


def test_each_request_gets_its_own_candidates() -> None:
    first, second, third = candidates(Ask(70, (("a", 60),)), Ask(70), Ask(70, (("z", 3),)), retrieved=["d", "a", "-"])
    assert sorted(first) == sorted(reasons("ao", "dt", "bp", "ep"))
    assert sorted(second) == sorted(reasons("at", "bp", "ep"))
    assert sorted(third) == sorted(reasons("zo", "bp", "ep"))


def test_what_is_popular_depends_on_the_week_and_was_bought_in_it() -> None:
    """In the week before day 63 only a (5) and d (1) were bought; popularity was a 9, d 2."""
    (listed,) = candidates(Ask(65), retrieved=[""], popular=4)
    assert listed == reasons("ap", "dp")


def test_of_too_many_own_items_the_highest_decayed_counts_stay() -> None:
    """At day 70, halved every 60 days: b twice at 0.5 = 1.0; a once, 6 days old: 0.93; d once, 60 days old: 0.5."""
    ask = Ask(70, (("b", 10), ("b", 10), ("d", 10), ("a", 64)))
    (two,) = candidates(ask, retrieved=[""], limit=2)
    assert two == reasons("bo", "ao")


def test_excluded_items_are_left_out_of_that_request_only() -> None:
    asks = (Ask(70, (("a", 60),)), Ask(70, (("a", 60),)))
    first, second = candidates(*asks, retrieved=["d", "d"], exclude=[(0, "a"), (0, "b"), (1, "d"), (1, "-")])
    assert sorted(first) == sorted(reasons("dt", "ep"))
    assert sorted(second) == sorted(reasons("ao", "bp", "ep"))


def test_what_is_excluded_twice_or_in_no_source_changes_nothing_else() -> None:
    (listed,) = candidates(Ask(70, (("a", 60),)), retrieved=["d"], exclude=[(0, "d"), (0, "z"), (0, "d")])
    assert sorted(listed) == sorted(reasons("ao", "bp", "ep"))


def test_everything_may_be_excluded() -> None:
    (listed,) = candidates(Ask(70, (("a", 60),)), retrieved=["d"], exclude=[(0, item) for item in ITEMS])
    assert listed == []


def test_without_history_and_without_neighbours_the_popular_remain() -> None:
    assert candidates(Ask(70), retrieved=["--"]) == [reasons("bp", "ep")]


def test_candidates_are_typed_as_the_ranker_reads_them() -> None:
    recommender = Recommender(small_catalog(), FeatureSettings(), CandidateSettings())
    listed = recommender.candidates(batch(Ask(70)), np.zeros((1, 0), np.int32), Barred.none(1), 10)
    assert [a.dtype for a in (*listed, listed.rows())] == [np.int32, np.int32, np.int64, np.int64]


def test_the_union_ends_at_its_limit_in_the_order_of_the_sources() -> None:
    asks = (Ask(70, (("a", 60),)), Ask(70))
    first, second = candidates(*asks, retrieved=["adb", "ade"], limit=3)
    assert first == reasons("ao", "dt", "bt")
    assert second == reasons("at", "dt", "et")


def test_what_is_excluded_takes_no_place() -> None:
    (listed,) = candidates(Ask(70, (("a", 60),)), retrieved=["db"], limit=2, exclude=[(0, "d")])
    assert listed == reasons("ao", "bt")


def test_what_was_bought_at_the_moment_itself_or_a_lifetime_ago_is_bought_before() -> None:
    (listed,) = candidates(Ask(70, (("z", -20_000), ("d", 70))), retrieved=["--"])
    assert listed == reasons("do", "zo", "bp", "ep")


def test_what_the_pre_ranker_reads_of_an_entry() -> None:
    """Day 70, b of two purchases, the younger 20 days old; its colour, red, is a's too, bought 60 days ago, and e has
    none. The towers have d in first place, and it alone is on a mailer. Popularity in week 1: b 5, d 1."""
    ask = Ask(70, (("b", 10), ("a", 10), ("e", 10), ("b", 50)))
    mailer = promotion("mailer", ("s1", "d", 69, 71))
    listed = pool(ask, retrieved=places_of("d"), promotions=(mailer,), places=5)
    items = [ITEMS[item] for item in listed.item_N]
    weighed = line_inputs(listed.input_NJ)
    rows = {item: dict(zip(LINE, row, strict=True)) for item, row in zip(items, weighed.tolist(), strict=True)}
    decayed, affinity = 0.5 + 2 ** (-20 / 60), 1.0 + 2 ** (-20 / 60)
    red = {"affinity": np.log1p(affinity), "affinity_share": affinity / (affinity + 0.5), "affinity_last_days": LOG_21}
    own = {"bought": 1, "decayed_60d": np.log1p(decayed), "last_days": LOG_21}
    every = {"popularity": np.log(6), "repurchase": 0.4, "together": 0, "together_share": 0, "place": np.log(7)} | red
    assert rows["b"] == pytest.approx(
        own
        | {"decayed_365d": np.log1p(2 ** (-60 / 365) + 2 ** (-20 / 365))}
        | every
        | {f"bought_{name}": value for name, value in every.items()}
        | {"one": 1}
    )
    new = {"popularity": np.log(2), "repurchase": 0.2, "affinity_last_days": NEVER, "place": np.log(2), "one": 1}
    assert rows["d"] == pytest.approx(dict.fromkeys(LINE, 0) | new)
    on_N = listed.input_NJ[:, len(INPUTS)]
    assert dict(zip(items, on_N.tolist(), strict=True)) == {"b": 0, "a": 0, "e": 0, "d": 1}
    assert rows["e"]["affinity"] == rows["e"]["affinity_share"] == 0 and rows["e"]["affinity_last_days"] == NEVER


def test_the_score_of_an_entry_is_the_line_of_its_inputs() -> None:
    """And an entry knows its source. A line with a weight for each name."""
    asks = (Ask(70, (("b", 10), ("a", 10), ("e", 10), ("b", 50))), Ask(70), Ask(66, (("a", 65),), "s2"))
    catalog = small_catalog((promotion("mailer", ("s1", "d", 69, 71)),))
    pools = Pools(catalog, CandidateSettings(), Features(catalog, FeatureSettings()))
    line = np.random.default_rng(4).normal(size=len(LINE)).astype(np.float32)
    listed = pools(batch(*asks), places_of("dz", "a-", "--"), Barred.none(3), line, 1000)
    np.testing.assert_allclose(listed.line_N, line_inputs(listed.input_NJ) @ line, rtol=1e-5, atol=1e-6)
    begin = 0
    for end in listed.end_B:
        assert (np.diff(listed.line_N[begin:end]) <= 0).all()
        begin = end
    bought_N = listed.input_NJ[:, INPUTS.index("bought")]
    assert (bought_N > 0).tolist() == [SOURCES[source] == "bought_before" for source in listed.source_N]


def test_every_input_has_a_name_and_a_twin_for_what_was_bought() -> None:
    """Four of what was bought, eight of every entry; two kinds of promotion, which the line does not weigh."""
    every = [5, 6, 7, 8, 9, 10, 11, 12]
    rows = line_inputs(np.array([[1, 2, 3, 4, *every, 1, 1], [0, 0, 0, 0, *every, 0, 1]], "f"))
    assert rows.shape == (2, len(LINE))
    assert rows[0].tolist() == [1, 2, 3, 4, *every, *every, 1]
    assert rows[1].tolist() == [0, 0, 0, 0, *every, *[0] * 8, 1]


def along(*asks: Ask, retrieved: list[str], together: int = 10, **sizes: int) -> list[dict[str, tuple[str, float]]]:
    """{item: (reason, what the pre-ranker reads of what goes together)} of each request; a goes with b (.5) and d
    (.25), b with z (.125)."""
    catalog = dataclasses.replace(small_catalog(), together=TOGETHER)
    settings = CandidateSettings(**{"popular": 2, "together": together, **sizes})
    pools = Pools(catalog, settings, Features(catalog, FeatureSettings()))
    listed = pools(batch(*asks), places_of(*retrieved), Barred.none(len(asks)), line_by_source(), 1000)
    lists: list[dict[str, tuple[str, float]]] = [{} for _ in asks]
    summed_N = np.expm1(listed.input_NJ[:, INPUTS.index("together")]).tolist()
    for item, source, row, summed in zip(listed.item_N, listed.source_N, rows_of(listed.end_B), summed_N, strict=True):
        lists[row][ITEMS[item]] = SOURCES[source], pytest.approx(summed)
    return lists


def test_what_goes_with_the_last_purchases_is_offered_with_how_well_it_does() -> None:
    """At day 70 a was bought 60 days ago and counts half, b today."""
    own, without = along(Ask(70, (("a", 10), ("b", 70))), Ask(70), retrieved=["z", "-"])
    assert own == {
        "a": ("bought_before", 0),
        "b": ("bought_before", 0.25),
        "d": ("often_together", 0.125),
        "z": ("often_together", 0.125),
        "e": ("popular", 0),
    }
    assert without == {"b": ("popular", 0), "e": ("popular", 0)}


def test_what_goes_together_is_also_read_over_the_largest_of_any_item() -> None:
    """a goes with b (.5) and d (.25); b is excluded and the largest still."""
    catalog = dataclasses.replace(small_catalog(), together=TOGETHER)
    pools = Pools(catalog, CandidateSettings(), Features(catalog, FeatureSettings()))
    barred = Barred.none(1)._replace(item_X=np.array([ITEMS.index("b")], np.int32), end_B=np.array([1]))
    listed = pools(batch(Ask(70, (("a", 70),))), places_of("d"), barred, line_by_source(), 1000)
    share = dict(zip(listed.item_N.tolist(), listed.input_NJ[:, INPUTS.index("together_share")].tolist(), strict=True))
    assert share[ITEMS.index("d")] == 0.5 and share[ITEMS.index("a")] == 0.0


def test_of_what_goes_together_the_nearest_are_offered_and_all_entries_know_it() -> None:
    """With one place, b goes with a; d comes by its place in the towers' list, and its sum is read all the same."""
    (listed,) = along(Ask(70, (("a", 70),)), retrieved=["d"], together=1)
    assert listed["b"] == ("often_together", 0.5) and listed["d"] == ("similar_taste", 0.25)
    assert "z" not in listed


def test_several_requests_have_the_pools_that_each_has_alone() -> None:
    asks = (Ask(70, (("b", 10), ("a", 10))), Ask(70), Ask(64, (("z", 3), ("e", 9)), "s2"), Ask(71, (("d", 70.5),)))
    retrieved = ("ad", "--", "zb", "e-")
    mailer = promotion("mailer", ("s1", "d", 69, 72))
    together = pool(*asks, retrieved=places_of(*retrieved), promotions=(mailer,))
    begin = 0
    for ask, items, end in zip(asks, retrieved, together.end_B, strict=True):
        alone = pool(ask, retrieved=places_of(items), promotions=(mailer,))
        for both, own in zip(together[:-1], alone[:-1], strict=True):
            assert np.array_equal(both[begin:end], own)
        begin = end
    assert begin == len(together.item_N)


def test_no_requests_have_no_entries() -> None:
    listed = pool(retrieved=np.zeros((0, 3), np.int32))
    assert [len(array) for array in listed] == [0] * 5


def test_a_pre_ranker_that_has_learned_orders_the_pool_by_its_score() -> None:
    """One that likes what is rarely bought."""
    line = np.array([-1.0 if name == "popularity" else 0.0 for name in LINE], np.float32)
    recommender = Recommender(
        small_catalog(), FeatureSettings(), CandidateSettings(), networks=FakeNetworks(line, added=lambda _: 0.0)
    )
    chosen = recommender.candidates(batch(Ask(70, (("a", 60), ("z", 60)))), places_of("d"), Barred.none(1), 2)
    assert [ITEMS[item] for item in chosen.item_C] == ["z", "d"]


def test_the_network_orders_what_the_line_lets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """It likes the mailer above all; of two candidates wanted, eight are let through, and here there are four."""
    mailer = promotion("mailer", ("s1", "e", 69, 71))
    networks = FakeNetworks(line_by_source(), added=lambda input_NJ: 1000 * input_NJ[:, len(INPUTS)])
    for limit, sieve, expected in ((2, 4, "ea"), (1, 1, "a")):
        monkeypatch.setattr("model.ranking.recommender.SIEVE", sieve)
        recommender = Recommender(small_catalog((mailer,)), FeatureSettings(), CandidateSettings(), networks=networks)
        chosen = recommender.candidates(batch(Ask(70, (("a", 60),))), places_of("d"), Barred.none(1), limit)
        assert "".join(ITEMS[item] for item in chosen.item_C) == expected
