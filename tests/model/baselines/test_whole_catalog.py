"""Lists from a score of every item: of a, b, d, e and z, everybody bought 6, 5, 1, 3 and 0 lately."""

import numpy as np
import pytest

from model.api import SOURCES
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.candidates.barred import Barred
from model.ranking.recommender import Ranking
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog

BOUGHT = Ask(day=70, bought=[("d", 60)])


def nothing_retrieved(requests: int) -> np.ndarray:
    return np.zeros((requests, 0), np.int32)


def by_request(ranking: Ranking) -> list[list[tuple]]:
    """(item, score, source) by request."""
    rows = zip(ranking.item_N, ranking.score_N, ranking.source_N, strict=True)
    flat = [(ITEMS[item], pytest.approx(score), SOURCES[source]) for item, score, source in rows]
    begin_B = [0, *ranking.end_B[:-1]]
    assert ranking.end_B[-1] == len(flat)
    return [flat[begin:end] for begin, end in zip(begin_B, ranking.end_B, strict=True)]


def listed(*scores: dict[str, float], exclude: str = "", ranked: int = 99, k: int = 99) -> list[list[tuple]]:
    """(item, score, source) by request; the scores are those of as many requests, `exclude` is of the first."""
    score_BI = np.array([[of.get(item, 0.0) for item in ITEMS] for of in scores], np.float32)
    barred = Barred(
        np.array([ITEMS.find(item) for item in exclude], np.int32), np.full(len(scores), len(exclude), np.int64)
    )
    recommender, before = WholeCatalog(small_catalog(), lambda batch: score_BI), score_BI.copy()
    asked = batch(*[BOUGHT] * len(scores))
    ranking = recommender.recommend(asked, nothing_retrieved(len(scores)), barred, ranked, k)
    assert (score_BI == before).all()
    return by_request(ranking)


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


def test_a_score_that_is_listed_does_not_fill_the_list_again() -> None:
    """b has a score and is not among the best two; no place is left for what is popular."""
    assert "".join(item for item, _, _ in listed({"a": 3.0, "d": 2.0, "b": 1.0}, k=2)[0]) == "ad"


def test_the_barred_items_of_a_later_request_are_its_own() -> None:
    recommender = WholeCatalog(small_catalog(), lambda batch: np.zeros((3, len(ITEMS)), np.float32))
    barred = Barred(np.array([0, 1, 0], np.int32), np.array([1, 1, 3]))
    ranking = recommender.recommend(batch(*[BOUGHT] * 3), nothing_retrieved(3), barred, 99, 99)
    assert ["".join(item for item, _, _ in row) for row in by_request(ranking)] == ["bed", "abed", "ed"]


def test_lists_are_those_of_sorting_every_item() -> None:
    """By score above 0, else by popularity, which also decides between equal scores; cut off at any length."""
    rng = np.random.default_rng(5)
    catalog = small_catalog()
    popularity = catalog.decayed_WI[-1]
    for k in range(len(ITEMS) + 1):
        score_BI = rng.choice([-1.0, 0.0, 0.5, 2.0], (20, len(ITEMS))).astype(np.float32)
        recommender = WholeCatalog(catalog, lambda batch, score_BI=score_BI: score_BI)
        nothing = Barred(np.zeros(0, np.int32), np.zeros(20, np.int64))
        ranking = recommender.recommend(batch(*[BOUGHT] * 20), nothing_retrieved(20), nothing, 99, k)
        for row, answer in zip(score_BI, by_request(ranking), strict=True):
            offered = [i for i in range(len(ITEMS)) if row[i] > 0 or popularity[i] > 0]
            best = sorted(offered, key=lambda i: (-max(row[i], 0), -popularity[i]))
            assert [item for item, _, _ in answer] == [ITEMS[i] for i in best[:k]]


def test_without_towers_there_is_nothing_to_search_the_index_with() -> None:
    recommender = WholeCatalog(small_catalog(), PopularUnseen(small_catalog().decayed_WI[-1]))
    assert recommender.query(batch(BOUGHT, BOUGHT)).shape == (2, 0)
    assert recommender.ranked == len(ITEMS)


def test_popularity_without_what_was_bought_ranks_by_popularity_and_bought_items_come_last() -> None:
    """The first shopper has a and e; of the rest b is bought 5 times and d once. The second has nothing."""
    catalog = small_catalog()
    scorer = PopularUnseen(catalog.decayed_WI[-1])
    asked = batch(Ask(day=70, bought=[("a", 60), ("e", 60), ("a", 64)]), Ask(day=70))
    assert scorer(asked).tolist() == [[0, 5, 1, 0, 0], [6, 5, 1, 3, 0]]
    nothing = Barred(np.zeros(0, np.int32), np.zeros(2, np.int64))
    ranking = WholeCatalog(catalog, scorer).recommend(asked, nothing_retrieved(2), nothing, 99, 99)
    rows = by_request(ranking)
    assert ["".join(item for item, _, _ in row) for row in rows] == ["bdae", "abed"]
    assert {reason for row in rows for item, _, reason in row if item in "bd"} == {"popular"}
