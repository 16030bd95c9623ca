"""Re-ranking with hand-computed values: six candidates, a to f; a, b and d were bought before."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.api import Answer, Request
from model.rerank.item_attributes import ItemValues
from model.rerank.reranker import NO_VALUE, Reranker, boosted, chosen
from tests.model.items_table import item_values
from tfx_configs.rerank import RerankSettings, Rule

ITEMS = "abcdef"
OWN = ["a", "b", "d"]
SCORES = np.array([0.8, 0.5, 0.4, 0.3, 0.2, 0.1], np.float32)
REASONS = [b"bought_before", b"bought_before", b"similar_taste", b"bought_before", b"popular", b"similar_taste"]


@pytest.fixture
def values(tmp_path: Path) -> ItemValues:
    """c and d are blue, f has no colour, the others are red; a and b are of brand x."""
    colour = ["red", "red", "blue", "blue", "red", None]
    return item_values(tmp_path, list(ITEMS), colour=colour, brand=["x", "x", "y", "y", "y", "y"])


def answer(values: ItemValues, *rules: Rule, k: int = 6, store: str = "s1", **settings: Any) -> Answer:
    request = {"time_s": settings.pop("time_s", 0), "history_item": settings.pop("history", OWN)}
    return ask(Reranker(RerankSettings(**settings), rules, values), store_id=store, k=k, **request)


def ask(reranker: Reranker, *, history_item: Sequence[str] = OWN, **request: Any) -> Answer:
    """The candidates in the order of this re-ranker."""
    asked = Request(user_id="u", history_item=history_item, history_time=np.empty(0), **request)
    items = np.array([item.encode() for item in ITEMS], dtype=object)
    return reranker(asked, items, SCORES, np.array(REASONS, dtype=object))


def shown(values: ItemValues, *rules: Rule, **more: Any) -> str:
    return "".join(answer(values, *rules, **more).item_ids)


def test_with_everything_off_the_list_is_as_it_was(values: ItemValues) -> None:
    shown = answer(values, k=4)
    assert shown.item_ids == list("abcd") and shown.scores == SCORES[:4].tolist() and shown.propensities == []


def test_a_shopper_without_a_history_gets_a_varied_list_where_an_attribute_can_tell_items_apart(
    values: ItemValues,
) -> None:
    """By colour: a .9 * 1; then b .9 * .5 / .8 - .1 = .4625 is above c .9 * .4 / .8 = .45; with .2: .3 and .4."""
    by_colour = {"diversity_attribute": "colour", "k": 3}
    assert shown(values, history=[], newcomer_diversity=0.1, **by_colour) == "abc"
    assert shown(values, history=[], newcomer_diversity=0.2, **by_colour) == "acb"
    assert shown(values, newcomer_diversity=0.2, **by_colour) == "abc"
    assert shown(values, history=[], newcomer_diversity=0.2, k=3) == "abc", "ten values are needed, and none is named"
    newcomer, other = (
        Request(user_id="u", time_s=0, history_item=items, history_time=np.empty(0)) for items in ([], ["a"])
    )
    reranker = Reranker(RerankSettings(diversity_attribute="colour"), (), values)
    assert (reranker.active(newcomer), reranker.active(other)) == (True, False)
    assert not Reranker(RerankSettings(), (), values).active(newcomer)


def test_excluded_items_are_never_shown_and_the_next_ones_move_up(values: ItemValues) -> None:
    assert shown(values, Rule(action="exclude", values=("b", "no-such-item")), k=3) == "acd"
    assert shown(values, Rule(action="exclude", attribute="colour", values=("red",))) == "cdf"


def test_what_is_out_of_stock_in_one_store_is_shown_in_another(values: ItemValues) -> None:
    out = Rule(action="exclude", values=("a",), store_id="s2", note="out of stock")
    assert shown(values, out, store="s1") == "abcdef"
    assert shown(values, out, store="s2") == "bcdef"


def test_restricted_items_are_shown_only_to_those_who_bought_them(values: ItemValues) -> None:
    """Blue is restricted: d was bought before, c was not."""
    assert shown(values, Rule(action="restrict", attribute="colour", values=("blue",))) == "abdef"


def test_a_cap_counts_each_value_and_spares_items_without_one(values: ItemValues) -> None:
    assert shown(values, Rule(action="cap", attribute="colour", most=1)) == "acf"
    assert shown(values, Rule(action="cap", attribute="colour", values=("red",), most=2)) == "abcdf"
    assert shown(values, Rule(action="cap", attribute="brand", most=1)) == "ac"


def test_a_shorter_list_is_the_beginning_of_a_longer_one(values: ItemValues) -> None:
    rules = [Rule(action="cap", attribute="brand", most=3), Rule(action="exclude", values=("c",))]
    long = shown(values, *rules, diversity=0.4, diversity_attribute="colour", explore_boost=1.0)
    assert all(
        shown(values, *rules, k=k, diversity=0.4, diversity_attribute="colour", explore_boost=1.0) == long[:k]
        for k in range(1, 6)
    )


def test_the_boost_multiplies_the_odds_of_what_is_new(values: ItemValues) -> None:
    """Odds of c, e, f: 2/3, 1/4, 1/9. Four times: 8/3, 1, 4/9, against 4, 1, 3/7 of a, b, d; then a little more."""
    odds = boosted(SCORES, np.array([reason != b"bought_before" for reason in REASONS]), math.log(4))
    assert odds == pytest.approx([4 / 5, 1 / 2, 8 / 11, 3 / 10, 1 / 2, 4 / 13])
    shown = answer(values, explore_boost=math.log(4.01))
    assert shown.item_ids == list("acebfd")
    assert shown.scores == pytest.approx([0.8, 0.4, 0.2, 0.5, 0.1, 0.3]), "scores stay what they were"


def test_scores_of_zero_and_one_can_be_boosted() -> None:
    odds = boosted(np.array([1.0, 0.0], np.float32), np.array([True, True]), 2.0)
    assert np.isfinite(odds).all() and odds[0] > odds[1] > 0


def test_marginal_relevance_matches_hand_computed_values() -> None:
    """Weight 0.3, so gains 0.7, 0.56, 0.35, 0.315: first 0; then 1 and 3, of its kind, lose 0.3 and 2 comes next."""
    relevance, kind = np.array([1.0, 0.8, 0.5, 0.45]), np.array([7, 7, 8, 7])
    assert chosen(relevance, kind, 0.3, [], 4) == [0, 2, 1, 3]
    assert chosen(relevance, kind, 0.0, [], 4) == [0, 1, 2, 3]
    assert chosen(relevance, np.full(4, NO_VALUE), 0.9, [], 3) == [0, 1, 2]
    assert chosen(np.empty(0), np.empty(0), 0.3, [], 3) == []


def test_diversity_brings_the_other_colour_up(values: ItemValues) -> None:
    """Halved and over the best: 0.5, 0.31, 0.25 (blue), 0.19 (blue), 0.13, 0.06 (none): after a, c, then f before b."""
    assert shown(values, diversity=0.5, diversity_attribute="colour") == "acfbde"


def test_without_a_named_attribute_the_coarsest_with_ten_values_counts(tmp_path: Path) -> None:
    ids = [f"i{n}" for n in range(24)]
    table = item_values(tmp_path, ids, two=["a", "b"] * 12, twelve=[str(n % 12) for n in range(24)], each=ids)
    assert table.coarsest() == "twelve"


def test_exploration_gives_one_place_to_one_of_the_next_and_logs_the_propensities(values: ItemValues) -> None:
    """A list of three; its last place, half the time, to d, e or f."""
    drawn = set()
    for second in range(60):
        shown = answer(values, k=3, explore_percent=50, explore_place=3, explore_pool=3, time_s=second)
        assert shown.item_ids[:2] == ["a", "b"] and shown.propensities[:2] == [1.0, 1.0]
        assert shown.propensities[2] == pytest.approx(0.5 if shown.item_ids[2] == "c" else 0.5 / 3)
        drawn.add(shown.item_ids[2])
    assert drawn == set("cdef")


def test_the_same_shopper_and_second_draw_the_same_list_another_seed_another(values: ItemValues) -> None:
    def lists(seed: int) -> list[str]:
        explore: dict[str, Any] = {"explore_percent": 50, "explore_place": 3, "explore_pool": 3, "seed": seed}
        return [shown(values, k=3, time_s=second, **explore) for second in range(40)]

    assert lists(1) == lists(1) != lists(2)


def test_a_longer_list_keeps_the_place_of_the_draw(values: ItemValues) -> None:
    for second in range(20):
        explore: dict[str, Any] = {"explore_percent": 50, "explore_place": 2, "explore_pool": 3, "time_s": second}
        assert shown(values, k=5, **explore)[:3] == shown(values, k=3, **explore)


def test_a_list_shorter_than_the_place_is_left_alone(values: ItemValues) -> None:
    answers = [
        answer(values, k=2, explore_percent=50, explore_place=3, explore_pool=3, time_s=second) for second in range(9)
    ]
    assert all(shown.item_ids == ["a", "b"] and shown.propensities == [] for shown in answers)


@pytest.mark.parametrize(("k", "place", "pool"), [(3, 3, 3), (4, 2, 3), (5, 2, 2), (3, 1, 5), (2, 2, 9)])
def test_propensities_are_the_frequencies_and_weighting_by_them_is_unbiased(
    values: ItemValues, k: int, place: int, pool: int
) -> None:
    """Rewards 1, 2, 4, ... of the candidates that can be shown: weighted by 1 / propensity, their mean is their sum."""
    rounds, reward = 4000, {item: 2.0**n for n, item in enumerate(ITEMS)}
    times_shown, propensity, estimate = dict.fromkeys(ITEMS, 0), dict.fromkeys(ITEMS, 0.0), []
    settings = RerankSettings(explore_percent=40, explore_place=place, explore_pool=pool)
    reranker = Reranker(settings, (), values)
    for second in range(rounds):
        shown = ask(reranker, k=k, time_s=second)
        pairs = list(zip(shown.item_ids, shown.propensities, strict=True))
        for item, chance in pairs:
            times_shown[item] += 1
            assert propensity[item] in (0.0, chance)
            propensity[item] = chance
        estimate.append(sum(reward[item] / chance for item, chance in pairs))
    for item in ITEMS:
        sd = math.sqrt(propensity[item] * (1 - propensity[item]) / rounds)
        assert times_shown[item] / rounds == pytest.approx(propensity[item], abs=4 * sd + 1e-9)
    assert sum(propensity.values()) == pytest.approx(k)
    reachable = ITEMS[: max(k, place + pool)]
    sum_sd = float(np.std(estimate)) / math.sqrt(rounds)
    assert np.mean(estimate) == pytest.approx(sum(reward[item] for item in reachable), abs=4 * sum_sd + 1e-9)


def test_the_table_of_items_is_read_once_for_all_rules_that_follow_one_another(
    values: ItemValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RerankSettings(diversity=0.4, diversity_attribute="colour")
    assert Reranker(settings, (), values)._kinds
    monkeypatch.setattr("model.rerank.item_attributes.pq.read_table", None)
    assert Reranker(settings, (Rule(action="exclude", values=("a",)),), values)._kinds
