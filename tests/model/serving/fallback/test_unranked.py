import dataclasses

import numpy as np
import pytest

from model import api
from model.api import Rung
from model.serving.fallback.unranked import unranked
from tests.model.serving.fake_server import FakeModel
from tfx_configs.units import DAY_S

NOW_S = 1000 * DAY_S
POPULAR = ["p", "q", "a"]


def _request(*bought: tuple[str, float], k: int = 10, exclude: tuple[str, ...] = ()) -> api.Request:
    """Of a shopper who bought each item that many days ago."""
    return api.Request(
        user_id="u",
        time_s=NOW_S,
        history_item=[item for item, _ in bought],
        history_time=np.array([NOW_S - int(days * DAY_S) for _, days in bought], dtype=np.int64),
        k=k,
        exclude=exclude,
    )


def _answer(request: api.Request, personal: bool = True, **model: float) -> tuple[api.Answer, Rung]:
    return unranked(FakeModel(version="v", **model), request, POPULAR, personal)


@pytest.mark.parametrize(("old", "model"), [(120.0, {}), (30.0, {"half_life_days": 30.0})])
def test_two_purchases_one_half_life_of_the_model_ago_weigh_as_much_as_one_today(
    old: float, model: dict[str, float]
) -> None:
    answer, rung = _answer(_request(("a", old), ("b", old), ("b", old), ("c", 0), k=3), **model)
    assert rung is Rung.PERSONAL
    assert answer.item_ids == ["b", "c", "a"]
    np.testing.assert_allclose(answer.scores, [1 / 2, 1 / 2, 1 / 3], atol=1e-5)
    assert answer.reasons == ["bought_before"] * 3


def test_popular_items_follow_and_no_item_is_listed_twice() -> None:
    answer, _ = _answer(_request(("a", 5)))
    assert answer.item_ids == ["a", "p", "q"]
    assert answer.reasons == ["bought_before", "popular", "popular"]
    assert sorted(answer.scores, reverse=True) == answer.scores


def test_what_is_excluded_is_not_there_whether_own_or_popular() -> None:
    assert _answer(_request(("b", 1), ("c", 2), exclude=("b", "p")))[0].item_ids == ["c", "q", "a"]


def test_a_request_for_what_is_new_gets_what_is_popular_and_was_never_bought() -> None:
    answer, rung = _answer(dataclasses.replace(_request(("b", 1), ("q", 900), exclude=("a",)), new_only=True))
    assert (answer.item_ids, rung) == (["p"], Rung.POPULAR)


def test_a_shopper_without_a_history_gets_what_is_popular_and_the_rung_reports_it() -> None:
    answer, rung = _answer(_request(k=2))
    assert (answer.item_ids, rung) == (["p", "q"], Rung.POPULAR)
    assert _answer(_request(("b", 1), k=2), personal=False)[1] is Rung.POPULAR


def test_nothing_left_is_an_empty_answer() -> None:
    assert _answer(_request(exclude=("p", "q", "a")))[0].item_ids == []
