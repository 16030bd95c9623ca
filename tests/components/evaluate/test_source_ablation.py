"""What a source brings: the same ranking without it, with hand-computed values."""

import numpy as np
import pytest

from components.artifacts.evaluation import Delta
from components.evaluate.metrics_report import Judged
from components.evaluate.source_ablation import without_each
from model.api import Ranked
from tfx_configs.evaluation import EvaluationSettings

ITEMS = np.array([f"i{n:02d}" for n in range(30)], dtype=object)
PLAN = EvaluationSettings(bootstrap_rounds=100)


def _judged(baskets: list[list[int]], histories: list[list[int]]) -> Judged:
    return Judged(
        baskets=[np.array(basket) for basket in baskets],
        histories=[np.array(history) for history in histories],
        items={},
        slices={},
        information_I=np.zeros(len(ITEMS)),
        scores={},
    )


def _ranked(*entries: tuple[int, str]) -> Ranked:
    return Ranked(
        item_ids=[str(ITEMS[item]) for item, _ in entries],
        scores=[1.0] * len(entries),
        reasons=[source for _, source in entries],
    )


def test_what_moves_up_into_the_free_places_counts() -> None:
    """Ten own items with one hit, then two of the towers with one: without the own ones, one hit comes first."""
    own = [(item, "bought_before") for item in range(10)]
    ranked = _ranked(*own, (20, "similar_taste"), (21, "similar_taste"))
    bought, towers = without_each([ranked], ITEMS, _judged([[9, 20]], [list(range(10))]), PLAN)
    assert (bought.source, bought.listed_percent, bought.hit_percent) == ("bought_before", 100.0, 100.0)
    assert bought.without["recall@10"].delta_pct == pytest.approx(0.0)  # one of two before, one of two after
    # The hit moves from the tenth place to the first: 1 / log2(2) over 1 / log2(11).
    assert bought.without["ndcg@10"].delta_pct == pytest.approx(100 * (np.log2(11) - 1))
    assert (towers.listed_percent, towers.hit_percent) == (0.0, 0.0)
    assert towers.without["ndcg@10"] == Delta(delta_pct=0.0, low_pct=0.0, high_pct=0.0)


def test_a_source_that_alone_finds_what_is_bought_is_worth_everything() -> None:
    ranked = [_ranked((1, "popular"), (2, "bought_before")), _ranked((1, "popular"), (3, "bought_before"))]
    bought, popular = without_each(ranked, ITEMS, _judged([[2], [3]], [[2], [3]]), PLAN)
    assert bought.without["recall@10"].delta_pct == -100.0
    assert popular.without["recall@10"].delta_pct == 0.0
    assert popular.listed_percent == 50.0 and popular.hit_percent == 0.0


def test_an_item_that_the_catalog_lost_is_no_hit_and_lists_may_differ_in_length() -> None:
    gone = Ranked(item_ids=["gone"], scores=[1.0], reasons=["popular"])
    (popular,) = without_each(
        [gone, _ranked((1, "popular"), (2, "popular"))], ITEMS, _judged([[5], [2]], [[], []]), PLAN
    )
    assert popular.hit_percent == 100.0 and popular.listed_percent == 100.0


def test_a_model_without_ranked_detail_has_no_sources() -> None:
    assert without_each([], ITEMS, _judged([], []), PLAN) == []
