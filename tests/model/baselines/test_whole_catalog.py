"""Lists from a score of every item: of a, b, d, e and z, everybody bought 6, 5, 1, 3 and 0 lately."""

import numpy as np
import pytest

from model.api import SOURCES
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.data.batch import Batch
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog

BOUGHT = Ask(day=70, bought=[("d", 60)])


def listed(*scores: dict[str, float], exclude: str = "", ranked: int = 99, k: int = 99) -> list[list[tuple]]:
    """(item, score, source) by request; the scores are those of as many requests, `exclude` is of the first."""
    score_BI = np.array([[of.get(item, 0.0) for item in ITEMS] for of in scores], np.float32)
    asked = Batch(*map(tf.convert_to_tensor, batch(*[BOUGHT] * len(scores))))
    excluded = np.array([ITEMS.find(item) for item in exclude], np.int32)
    recommender = WholeCatalog(small_catalog(), lambda batch: tf.constant(score_BI))
    item, score, source = recommender.recommend(
        asked, tf.zeros([len(scores), 0], tf.int32), excluded, np.zeros_like(excluded), ranked, k
    )
    return [
        [(ITEMS[i], pytest.approx(s), SOURCES[n]) for i, s, n in zip(*row, strict=True) if i >= 0]
        for row in zip(item.numpy(), score.numpy(), source.numpy(), strict=True)
    ]


def test_what_has_a_score_comes_first_and_popular_items_fill_the_list() -> None:
    assert listed({"z": 2.0, "d": 0.5, "b": -1.0}) == [
        [
            ("z", 2.0, "similar_taste"),
            ("d", 0.5, "bought_before"),
            ("a", -1 / 7, "popular"),
            ("b", -1 / 6, "popular"),
            ("e", -1 / 4, "popular"),
        ]
    ]


def test_what_no_shopper_buys_lately_is_listed_for_a_score_only() -> None:
    assert "".join(item for item, _, _ in listed({})[0]) == "abed"


def test_of_equal_scores_the_more_popular_item_comes_first() -> None:
    assert "".join(item for item, _, _ in listed({"z": 1.0, "e": 1.0, "b": 1.0})[0]) == "bezad"


def test_excluded_items_make_room_in_the_list_of_their_request_only() -> None:
    first, second = listed({"z": 1.0}, {"z": 1.0}, exclude="za?", k=2)
    assert [item for item, _, _ in first] == ["b", "e"]
    assert [item for item, _, _ in second] == ["z", "a"]


@pytest.mark.parametrize(("ranked", "k"), [(2, 9), (9, 2)])
def test_a_list_is_as_long_as_was_asked_for(ranked: int, k: int) -> None:
    assert [len(row) for row in listed({}, ranked=ranked, k=k)] == [2]


def test_popularity_without_what_was_bought_ranks_by_popularity_and_bought_items_come_last() -> None:
    """The first shopper has a and e; of the rest b is bought 5 times and d once. The second has nothing."""
    catalog = small_catalog()
    scorer = PopularUnseen(catalog.decayed_WI[-1])
    shoppers = batch(Ask(day=70, bought=[("a", 60), ("e", 60), ("a", 64)]), Ask(day=70))
    asked = Batch(*map(tf.convert_to_tensor, shoppers))
    assert scorer(asked).numpy().tolist() == [[0, 5, 1, 0, 0], [6, 5, 1, 3, 0]]
    nothing = np.zeros(0, np.int32)
    item, _, _ = WholeCatalog(catalog, scorer).recommend(asked, tf.zeros([2, 0], tf.int32), nothing, nothing, 99, 99)
    assert ["".join(ITEMS[i] for i in row if i >= 0) for row in item.numpy()] == ["bdae", "abed"]
