"""Rules and requests decide what may be listed before candidates are chosen, and short lists are filled."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model.api import Request, Rung
from model.candidates.barred import by_popularity
from model.errors import InputError
from model.package import loaded_model as package
from model.serving.fallback.unranked import unranked
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import exported
from tests.model.small_catalog import ITEMS, small_catalog
from tests.worlds import seconds
from tfx_configs.rerank import RerankSettings, Rule

COLOURS = ["red", "red", "blue", "green", "green"]
SIZES = ["s", "m", "s", "m", "s"]


def _model(root: Path, *rules: Rule) -> package.LoadedModel:
    items = write_items(root, list(ITEMS), colour=COLOURS, size=SIZES)
    return package.load(exported(root / "model", items, RerankSettings(rules=rules), probability=False))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> package.LoadedModel:
    return _model(tmp_path_factory.mktemp("plain"))


def _ask(*bought: str, k: int = 5, **more: object) -> Request:
    times = np.array([seconds(65 + day) for day in range(len(bought))], np.int64)
    request = Request(user_id="u1", time_s=seconds(75), history_item=list(bought), history_time=times, k=k)
    return dataclasses.replace(request, **more)


def _both(model: package.LoadedModel, request: Request) -> list[list[str]]:
    """Of the ranking, of the quicker one, and of the answer without ranking."""
    ranked = [model.recommend([request], fewer=fewer)[0].item_ids for fewer in (False, True)]
    return [*ranked, unranked(model, request, ["a", "b"], personal=True)[0].item_ids]


def test_only_what_was_asked_for_is_listed_on_every_rung(model: package.LoadedModel) -> None:
    assert _both(model, _ask("b", "d", within=[("colour", "red")])) == [["b", "a"]] * 3
    red_or_green = [("colour", "red"), ("colour", "green")]
    assert _both(model, _ask("b", "e", within=[*red_or_green, ("size", "m")])) == [["e", "b"]] * 3


def test_a_category_that_nobody_bought_from_still_fills_its_list(model: package.LoadedModel) -> None:
    """z was never bought, d not in the last week."""
    assert _both(model, _ask(within=[("size", "s")], k=3)) == [["a", "d", "z"]] * 3
    assert model.recommend([_ask(within=[("colour", "blue")], k=3)])[0].item_ids == ["d"]


def test_requests_of_one_batch_keep_their_own_limits(model: package.LoadedModel) -> None:
    asked = [_ask("b", within=[("colour", "red")]), _ask("b"), _ask("b", within=[("colour", "green")])]
    batched = [answer.item_ids for answer in model.recommend(asked)]
    assert batched == [model.recommend([request])[0].item_ids for request in asked]
    assert set(batched[0]) == {"a", "b"} and set(batched[2]) == {"e", "z"}


def test_what_is_excluded_and_what_was_bought_stay_out_of_what_fills_up(model: package.LoadedModel) -> None:
    asked = _ask("a", new_only=True, exclude=["d"], within=[("size", "s")])
    assert _both(model, asked) == [["z"]] * 3


@pytest.mark.parametrize(
    ("within", "message"),
    [
        ([("taste", "sweet")], r"expected an attribute .*colour, size.*got 'taste'"),
        ([("colour", "pink")], r"got 'pink'"),
    ],
)
def test_an_attribute_or_a_value_that_no_item_has_is_bad_input(
    model: package.LoadedModel, within: list[tuple[str, str]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        model.check(_ask(within=within))
    model.check(_ask(within=[("colour", "red")]))


def test_rules_act_before_candidates_are_chosen_and_a_store_rule_in_its_store_alone(tmp_path: Path) -> None:
    no_red = Rule(action="exclude", attribute="colour", values=("red",), store_id="s1")
    own_only = Rule(action="restrict", attribute="colour", values=("green",))
    model = _model(tmp_path, no_red, own_only)
    here, elsewhere = (model._eligibility.of(model._policy.current(), _ask(store_id=store)) for store in ("s1", "s2"))
    assert here.may_I is not None and here.may_I.tolist() == [0, 0, 1, 2, 2]
    assert elsewhere.may_I is not None and elsewhere.may_I.tolist() == [1, 1, 1, 2, 2]
    asked = _ask("z", "a")
    assert _both(model, dataclasses.replace(asked, store_id="s1"))[0] == ["z", "d"]
    assert _both(model, dataclasses.replace(asked, store_id="s2"))[0] == ["a", "z", "b", "d"]


def test_a_list_that_a_cap_thins_out_is_filled_from_other_items(tmp_path: Path) -> None:
    one_each = Rule(action="cap", attribute="colour", most=1)
    answer = _model(tmp_path, one_each).recommend([_ask("a", "b", k=3)])[0]
    colours = [COLOURS[ITEMS.index(item)] for item in answer.item_ids]
    assert len(colours) == len(set(colours)) >= 2


def test_popular_first_and_never_bought_last() -> None:
    catalog = small_catalog().as_served()
    order = by_popularity(catalog)
    recent, decayed = catalog.recent_WI[-1][order], catalog.decayed_WI[-1][order]
    assert sorted(order.tolist()) == list(range(catalog.items))
    assert all((recent[i], decayed[i]) >= (recent[i + 1], decayed[i + 1]) for i in range(len(order) - 1))


def test_an_answer_without_ranking_says_what_it_was_filled_with(model: package.LoadedModel) -> None:
    answer, rung = unranked(model, _ask(within=[("size", "s")], k=3), ["b", "a"], personal=True)
    assert (answer.item_ids, answer.filled, rung) == (["a", "d", "z"], 2, Rung.POPULAR)
