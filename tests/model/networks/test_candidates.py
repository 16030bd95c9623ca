"""The candidate union against hand-computed values: who is in it, once, and why."""

from typing import Any

import numpy as np
import pytest

from model.api import SOURCES
from model.data.batch import Batch
from model.data.catalog import Promotions
from model.features.graph import NEVER_DAYS, FeatureGraph
from model.networks.candidates import CandidateUnion
from model.networks.pre_ranker import NAMES, READ, PreRanker
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, Ask, batch, promotion, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings

NOTHING: list[tuple[int, str]] = []
LOG_21, NEVER = np.log1p(20), np.log1p(np.float32(NEVER_DAYS))


def union(
    *asks: Ask, retrieved: list[str], exclude: list[tuple[int, str]] = NOTHING, **sizes: int
) -> list[list[tuple[str, str]]]:
    """(item, reason) of each request's candidates, in the order in which they are listed.

    Args:
        retrieved: what the towers found for each request; `-` is an empty place.
    """
    settings = CandidateSettings(**{"retrieved": 10, "popular": 2, **sizes})
    index: dict[str, int] = {item: i for i, item in enumerate(ITEMS)} | {"-": -1}
    candidates = _union(settings)(
        Batch(*map(tf.convert_to_tensor, batch(*asks))),
        tf.constant([[index[item] for item in items] for items in retrieved], tf.int32),
        tf.constant([index[item] for _, item in exclude], tf.int32),
        tf.constant([row for row, _ in exclude], tf.int32),
        settings.limit,
    )
    lists: list[list[tuple[str, str]]] = [[] for _ in asks]
    for item, row, source in zip(*(a.numpy().tolist() for a in candidates), strict=True):
        lists[row].append((ITEMS[item], SOURCES[source]))
    return lists


def _union(
    settings: CandidateSettings, preranker: PreRanker | None = None, promotions: tuple[Promotions, ...] = ()
) -> CandidateUnion:
    catalog = small_catalog(promotions)
    features = FeatureGraph(catalog, FeatureSettings())
    return CandidateUnion(catalog, settings, features, preranker or PreRanker(len(promotions)))


def reasons(*pairs: str) -> list[tuple[str, str]]:
    """`o` own, `t` towers, `p` popular: "ao" is item a, bought before."""
    names: dict[str, Any] = dict(zip("otp", SOURCES, strict=True))
    return [(pair[0], names[pair[1]]) for pair in pairs]


def test_an_item_of_several_sources_is_listed_once_for_the_first_of_them() -> None:
    """In week 1 the most popular are b (4) and e (3)."""
    ask = Ask(70, (("a", 60), ("e", 61), ("a", 62)))
    (candidates,) = union(ask, retrieved=["edb"])
    assert sorted(candidates) == sorted(reasons("ao", "eo", "dt", "bt"))


def test_each_request_gets_its_own_candidates() -> None:
    first, second, third = union(Ask(70, (("a", 60),)), Ask(70), Ask(70, (("z", 3),)), retrieved=["d", "a", "-"])
    assert sorted(first) == sorted(reasons("ao", "dt", "bp", "ep"))
    assert sorted(second) == sorted(reasons("at", "bp", "ep"))
    assert sorted(third) == sorted(reasons("zo", "bp", "ep"))


def test_what_is_popular_depends_on_the_week_and_was_bought_in_it() -> None:
    """In the week before day 63 only a (5) and d (1) were bought; popularity was a 9, d 2."""
    (candidates,) = union(Ask(65), retrieved=[""], popular=4)
    assert candidates == reasons("ap", "dp")


def test_of_too_many_own_items_the_highest_decayed_counts_stay() -> None:
    """At day 70, halved every 60 days: b twice at 0.5 = 1.0; a once, 6 days old: 0.93; d once, 60 days old: 0.5."""
    ask = Ask(70, (("b", 10), ("b", 10), ("d", 10), ("a", 64)))
    (two,) = union(ask, retrieved=[""], limit=2)
    assert two == reasons("bo", "ao")


def test_excluded_items_are_left_out_of_that_request_only() -> None:
    asks = (Ask(70, (("a", 60),)), Ask(70, (("a", 60),)))
    first, second = union(*asks, retrieved=["d", "d"], exclude=[(0, "a"), (0, "b"), (1, "d"), (1, "-")])
    assert sorted(first) == sorted(reasons("dt", "ep"))
    assert sorted(second) == sorted(reasons("ao", "bp", "ep"))


def test_without_history_and_without_neighbours_the_popular_remain() -> None:
    assert union(Ask(70), retrieved=["--"]) == [reasons("bp", "ep")]


def test_candidates_are_typed_as_the_ranker_reads_them() -> None:
    candidates = _union(CandidateSettings())(
        Batch(*map(tf.convert_to_tensor, batch(Ask(70)))),
        tf.zeros([1, 0], tf.int32),
        tf.zeros([0], tf.int32),
        tf.zeros([0], tf.int32),
        10,
    )
    assert [a.numpy().dtype for a in candidates] == [np.int32] * 3


def test_the_union_ends_at_its_limit_in_the_order_of_the_sources() -> None:
    asks = (Ask(70, (("a", 60),)), Ask(70))
    first, second = union(*asks, retrieved=["adb", "ade"], limit=3)
    assert first == reasons("ao", "dt", "bt")
    assert second == reasons("at", "dt", "et")


def test_what_is_excluded_takes_no_place() -> None:
    (candidates,) = union(Ask(70, (("a", 60),)), retrieved=["db"], limit=2, exclude=[(0, "d")])
    assert candidates == reasons("ao", "bt")


def test_what_the_pre_ranker_reads_of_an_entry() -> None:
    """Day 70, b of two purchases, the younger 20 days old; its colour, red, is a's too, bought 60 days ago, and e has
    none. The towers have d in first place, and it alone is on a mailer. Popularity in week 1: b 5, d 1."""
    ask = Ask(70, (("b", 10), ("a", 10), ("e", 10), ("b", 50)))
    mailer = promotion("mailer", ("s1", "d", 69, 71))
    candidates, asked = _union(CandidateSettings(retrieved=5), promotions=(mailer,)), batch(ask)
    pool, feature_PF = candidates.pool(
        Batch(*map(tf.convert_to_tensor, asked)),
        tf.constant([[ITEMS.index("d")]]),
        tf.zeros([0], tf.int32),
        tf.zeros([0], tf.int32),
    )
    items = [ITEMS[item] for item in pool.item_C]
    rows = {item: dict(zip(NAMES, row, strict=True)) for item, row in zip(items, feature_PF.numpy(), strict=True)}
    decayed, affinity = 0.5 + 2 ** (-20 / 60), 1.0 + 2 ** (-20 / 60)
    red = {"affinity": np.log1p(affinity), "affinity_share": affinity / (affinity + 0.5), "affinity_last_days": LOG_21}
    own = {"bought": 1, "decayed_60d": np.log1p(decayed), "last_days": LOG_21}
    every = {"popularity": np.log(6), "repurchase": 0.4, "place": np.log(7)} | red
    assert rows["b"] == pytest.approx(
        own
        | {"decayed_365d": np.log1p(2 ** (-60 / 365) + 2 ** (-20 / 365))}
        | every
        | {f"bought_{name}": value for name, value in every.items()}
        | {"one": 1}
    )
    new = {"popularity": np.log(2), "repurchase": 0.2, "affinity_last_days": NEVER, "place": np.log(2), "one": 1}
    assert rows["d"] == pytest.approx(dict.fromkeys(NAMES, 0) | new)
    on_P = candidates.promoted(Batch(*map(tf.convert_to_tensor, asked)), pool).numpy()[:, 0]
    assert dict(zip(items, on_P, strict=True)) == {"b": 0, "a": 0, "e": 0, "d": 1}
    assert rows["e"]["affinity"] == rows["e"]["affinity_share"] == 0 and rows["e"]["affinity_last_days"] == NEVER


def test_a_pre_ranker_that_has_learned_orders_the_pool_by_its_score() -> None:
    """One that likes what is rarely bought."""
    preranker = PreRanker(0)
    preranker.line_F.assign([-1.0 if name == "popularity" else 0.0 for name in NAMES])
    candidates = _union(CandidateSettings(), preranker)(
        Batch(*map(tf.convert_to_tensor, batch(Ask(70, (("a", 60), ("z", 60)))))),
        tf.constant([[ITEMS.index("d")]]),
        tf.zeros([0], tf.int32),
        tf.zeros([0], tf.int32),
        2,
    )
    assert [ITEMS[item] for item in candidates.item_C] == ["z", "d"]


def test_the_network_orders_what_the_line_lets_through() -> None:
    """It likes the mailer above all; of two candidates wanted, eight are let through, and here there are four."""
    mailer = promotion("mailer", ("s1", "e", 69, 71))
    preranker = PreRanker(1)
    for kernel, row in zip(preranker.kernels, (READ, 0, 0), strict=True):
        matrix = np.zeros(kernel.shape)
        matrix[row, 0] = 10.0
        kernel.assign(matrix)
    asked = Batch(*map(tf.convert_to_tensor, batch(Ask(70, (("a", 60),)))))
    nothing = tf.zeros([0], tf.int32)
    for limit, sieve, expected in ((2, 4, "ea"), (1, 1, "a")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("model.networks.candidates.SIEVE", sieve)
            candidates = _union(CandidateSettings(), preranker, promotions=(mailer,))
            chosen = candidates(asked, tf.constant([[ITEMS.index("d")]]), nothing, nothing, limit)
        assert "".join(ITEMS[item] for item in chosen.item_C.numpy()) == expected
