"""The recommender: candidates, features and scores of several requests at once, against each of them alone."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from model.api import SOURCES
from model.baselines.frequency import BASELINES
from model.candidates.barred import Barred
from model.candidates.line import line_by_source
from model.data.batch import Batch
from model.ranking.recommender import (
    Candidates,
    NetworkScorer,
    Ranking,
    Recommender,
    best_positions,
    ranking,
)
from tests.model.fake_networks import FakeNetworks
from tests.model.small_catalog import ITEMS, Ask, batch, promotion, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings

ASKS = (
    Ask(70, (("a", 10), ("b", 10), ("a", 50)), user=1),
    Ask(70),
    Ask(66, (("z", 3), ("e", 9), ("d", 65)), "s2"),
    Ask(71, tuple((ITEMS[day % 5], day) for day in range(60)), "", user=1),
)
FOUND = np.array([[2, 3, -1], [-1, -1, -1], [0, 1, 2], [4, -1, -1]], np.int32)
BARRED = Barred(np.array([0, 2, -1, 3], np.int32), np.array([1, 1, 4, 4], np.int64))


def _score(dense_CF: np.ndarray, vocabulary_C: np.ndarray, attribute_CA: np.ndarray, user_CD: np.ndarray) -> Any:
    """A number of everything that the ranker reads."""
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=array.shape[1]) for array in (dense_CF, attribute_CA, user_CD)]
    read = zip((dense_CF, attribute_CA, user_CD), weights, strict=True)
    return sum(array @ weight for array, weight in read) + np.sqrt(vocabulary_C)


def recommender(baseline: str = "", **sizes: int) -> Recommender:
    """With networks, or one that ranks by a baseline."""
    catalog = small_catalog((promotion("mailer", ("s1", "d", 69, 71), ("", "e", 60, 80)),))
    settings, features = CandidateSettings(**sizes), FeatureSettings()
    if baseline:
        names = Recommender(catalog, features, settings).features.names
        return Recommender(catalog, features, settings, BASELINES[baseline](names))
    line = line_by_source()
    networks = FakeNetworks(line, added=lambda input_NJ: np.sin(input_NJ.sum(axis=1)), score=_score)
    return Recommender(catalog, features, settings, networks=networks)


def lists(answer: Ranking) -> list[str]:
    """The items of each request."""
    begins = np.concatenate([[0], answer.end_B[:-1]]).astype(int)
    return ["".join(ITEMS[i] for i in answer.item_N[b:e]) for b, e in zip(begins, answer.end_B, strict=True)]


@pytest.mark.parametrize("baseline", ["", "popularity", "personal_frequency"])
@pytest.mark.parametrize(("ranked", "k"), [(5, 5), (3, 2), (1, 1), (1000, 1000)])
def test_several_requests_are_answered_as_each_alone(baseline: str, ranked: int, k: int) -> None:
    model = recommender(baseline)
    together = model.recommend(batch(*ASKS), FOUND, BARRED, ranked, k)
    begin, barred = 0, 0
    for b, ask in enumerate(ASKS):
        own = Barred(BARRED.item_X[barred : BARRED.end_B[b]], BARRED.end_B[b : b + 1] - barred)
        alone = model.recommend(batch(ask), FOUND[b : b + 1], own, ranked, k)
        end = int(together.end_B[b])
        assert together.item_N[begin:end].tolist() == alone.item_N.tolist()
        assert together.source_N[begin:end].tolist() == alone.source_N.tolist()
        np.testing.assert_allclose(together.score_N[begin:end], alone.score_N, rtol=1e-6)
        assert alone.end_B.tolist() == [end - begin] and 0 < end - begin <= min(k, ranked)
        begin, barred = end, int(BARRED.end_B[b])


def test_no_requests_have_no_answers() -> None:
    for model in (recommender(), recommender("popularity")):
        answer = model.recommend(batch(), FOUND[:0], Barred.none(0), 10, 10)
        assert [array.tolist() for array in answer] == [[], [], [], []]


def test_a_request_of_which_everything_is_barred_has_an_empty_answer_among_others() -> None:
    asks = (ASKS[0], ASKS[1], ASKS[0])
    every = Barred(np.arange(len(ITEMS), dtype=np.int32), np.array([0, len(ITEMS), len(ITEMS)], np.int64))
    for model in (recommender(), recommender("popularity")):
        first, second, third = lists(model.recommend(batch(*asks), FOUND[[0, 1, 0]], every, 10, 10))
        assert first and first == third and second == ""
        alone = model.recommend(batch(ASKS[1]), FOUND[1:2], Barred(every.item_X, every.end_B[1:2]), 10, 10)
        assert [len(array) for array in alone] == [0, 0, 0, 1]


def test_what_is_barred_is_not_in_the_answer_and_all_else_is() -> None:
    model = recommender("popularity", popular=5)
    free = lists(model.recommend(batch(ASKS[0]), FOUND[:1], Barred.none(1), 10, 10))[0]
    barred = Barred(np.array([1, 1], np.int32), np.array([2]))
    without = lists(model.recommend(batch(ASKS[0]), FOUND[:1], barred, 10, 10))
    assert "b" in free and without == [free.replace("b", "")]


def test_without_history_the_popular_come_by_how_often_they_were_bought() -> None:
    """At day 70, halved every 28 days: a 6, b 5, e 3, d 1; d and z were not bought in the last week."""
    answer = recommender("popularity").recommend(batch(Ask(70)), FOUND[1:2], Barred.none(1), 10, 10)
    assert lists(answer) == ["abe"]
    assert answer.score_N.tolist() == pytest.approx([6, 5, 3], rel=1e-5)
    assert {SOURCES[source] for source in answer.source_N} == {"popular"}


def test_scores_fall_and_no_item_is_listed_twice() -> None:
    answer = recommender().recommend(batch(*ASKS), FOUND, BARRED, 10, 10)
    begin = 0
    for end in answer.end_B:
        assert (np.diff(answer.score_N[begin:end]) <= 0).all()
        assert len(set(answer.item_N[begin:end])) == end - begin
        begin = end


def test_equal_scores_stay_in_the_order_of_the_candidates() -> None:
    candidates = Candidates(
        np.array([4, 2, 3, 1, 0], np.int32), np.array([0, 1, 2, 1, 1], np.int32), np.array([3, 3, 5], np.int64)
    )
    best = ranking(candidates, np.array([0.5, 0.7, 0.5, -1.0, -1.0], np.float32), 2)
    assert best.item_N.tolist() == [2, 4, 1, 0] and best.source_N.tolist() == [1, 0, 1, 1]
    assert best.end_B.tolist() == [2, 2, 4] and best.score_N.tolist() == pytest.approx([0.7, 0.5, -1, -1])


def test_of_no_scores_none_are_the_best() -> None:
    positions, end_B = best_positions(np.zeros(0, np.float32), np.zeros(3, np.int64), 4)
    assert positions.tolist() == [] and end_B.tolist() == [0, 0, 0]


def test_the_rows_of_candidates_are_the_requests_that_they_belong_to() -> None:
    candidates = Candidates(np.zeros(4, np.int32), np.zeros(4, np.int32), np.array([1, 1, 4], np.int64))
    assert candidates.rows().tolist() == [0, 2, 2, 2]


def test_the_ranker_reads_the_codes_of_each_candidate_and_of_its_shopper() -> None:
    """b is red (2), d blue (3); the first shopper has no row, the second the age 2."""
    scorer = NetworkScorer(FakeNetworks(line_by_source(), added=lambda _: 0.0), small_catalog())
    candidates = Candidates(np.array([1, 2, 1], np.int32), np.zeros(3, np.int32), np.array([1, 3], np.int64))
    vocabulary_C, attribute_CA, user_CD = scorer.codes(batch(Ask(70), Ask(70, user=1)), candidates)
    assert vocabulary_C.tolist() == [1, 2, 1] and attribute_CA.tolist() == [[2], [3], [2]]
    assert user_CD.tolist() == [[0], [2], [2]]


def test_a_query_is_of_the_networks_and_without_them_has_no_width() -> None:
    assert recommender().query(batch(*ASKS)).shape == (4, 4)
    assert recommender("popularity").query(batch(*ASKS)).shape == (4, 0)


def test_threads_may_share_a_recommender() -> None:
    model = recommender()

    def ask(_: int) -> Ranking:
        return model.recommend(batch(*ASKS), FOUND, BARRED, 5, 5)

    alone = ask(0)
    with ThreadPoolExecutor(8) as threads:
        for answer in threads.map(ask, range(200)):
            assert all(np.array_equal(value, other) for value, other in zip(answer, alone, strict=True))


class Constant:
    """A scorer that counts how many candidates it is asked about."""

    logs = False

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        self.asked.append(len(dense_CF))
        return np.zeros(len(dense_CF), np.float32)


@pytest.mark.parametrize(("ranked", "scored"), [(1, [1]), (3, [3]), (1000, [5])])
def test_no_more_are_scored_than_asked_for(ranked: int, scored: list[int]) -> None:
    scorer = Constant()
    model = Recommender(small_catalog(), FeatureSettings(), CandidateSettings(popular=5), scorer)
    answer = model.recommend(batch(Ask(70, (("z", 10),))), FOUND[:1], Barred.none(1), ranked, 1000)
    assert scorer.asked == scored and len(answer.item_N) == scored[0]
