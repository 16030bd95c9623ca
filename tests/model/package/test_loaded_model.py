"""A loaded model directory: the quicker ranking, rules on every rung, the stages it reports."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from model.api import Answer, Coded, Request, Rung, Unknown
from model.package import loaded_model as package
from model.serving.contract import Contract, Violation
from model.serving.fallback.unranked import unranked
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import NO_BLUE, exported
from tests.model.small_catalog import ITEMS
from tests.worlds import seconds
from tfx_configs.rerank import RerankSettings

stages: list[tuple[str, str]] = []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> package.LoadedModel:
    """Personal frequency, with a rule that takes d out."""
    root = tmp_path_factory.mktemp("package")
    items = write_items(root, list(ITEMS), colour=["red", "red", "blue", None, None])
    directory = exported(root / "model", items, RerankSettings(rules=(NO_BLUE,)), probability=False)
    return package.load(directory, on_stage=lambda version, stage, _: stages.append((version, stage)))


def _request() -> Request:
    """Of a shopper who bought b twice, then d twice, then e."""
    times = np.array([seconds(day) for day in (70, 71, 72, 73, 74)], np.int64)
    return Request(user_id="u1", time_s=seconds(75), history_item=["b", "b", "d", "d", "e"], history_time=times, k=5)


def test_the_rules_hold_on_every_rung(model: package.LoadedModel) -> None:
    answer, rung = unranked(model, _request(), ["d", "a"], personal=True)
    assert (answer.item_ids, rung) == (["b", "e", "a"], Rung.PERSONAL)
    for fewer in (False, True):
        assert model.recommend([_request()], fewer=fewer)[0].item_ids == ["b", "e", "a"]


def test_a_list_of_what_is_new_has_nothing_from_the_history_on_any_rung(model: package.LoadedModel) -> None:
    new = dataclasses.replace(_request(), new_only=True)
    assert model.recommend([_request(), new])[1].item_ids == ["a"]
    assert model.recommend([new], fewer=True)[0].item_ids == ["a"]
    assert unranked(model, new, ["b", "d", "a"], personal=True)[0].item_ids == ["a"]


def test_two_shelves_hold_what_was_bought_and_what_was_not_on_every_rung(model: package.LoadedModel) -> None:
    """The rule takes d out of both. Each shelf has its own length, and the same order as in a list of its own."""
    both = dataclasses.replace(_request(), k=1, k_new=3)
    for answer in (model.recommend([both])[0], model.recommend([both], fewer=True)[0]):
        assert answer.new is not None
        assert (answer.item_ids, answer.new.item_ids) == (["b"], ["a"])
        assert (answer.reasons, answer.new.reasons) == (["bought_before"], ["popular"])
    answer, rung = unranked(model, dataclasses.replace(both, k=5), ["b", "a"], personal=True)
    assert answer.new is not None
    assert (answer.item_ids, answer.new.item_ids, rung) == (["b", "e"], ["a"], Rung.PERSONAL)


def test_a_shopper_without_a_history_has_no_taste_and_gets_what_is_popular_here(model: package.LoadedModel) -> None:
    regular = _request()
    newcomer = dataclasses.replace(regular, history_item=[], history_time=np.empty(0, np.int64))
    items, scores = np.array([b"a", b"e"], object), np.array([0.5, 0.25], np.float32)
    reasons = np.array([b"similar_taste", b"popular"], object)
    assert model.shown(regular, items, scores, reasons).reasons[:2] == ["similar_taste", "popular"]
    assert model.shown(newcomer, items, scores, reasons).reasons[:2] == ["popular_here", "popular"]


@pytest.mark.parametrize("changes", [{}, {"k": 2, "k_new": 2}, {"new_only": True}, {"exclude": ("e", "x")}, {"k": 1}])
def test_every_rung_respects_the_answer_contract(model: package.LoadedModel, changes: dict[str, Any]) -> None:
    request = dataclasses.replace(_request(), **changes)
    ranked = [model.recommend([request], fewer=fewer)[0] for fewer in (False, True)]
    unranked_too = [unranked(model, request, ["d", "a"], personal)[0] for personal in (True, False)]
    for answer in (*ranked, *unranked_too):
        assert Contract(model, request).violation(answer) is None


def test_the_contract_knows_the_catalog_and_the_rules(model: package.LoadedModel) -> None:
    def violation(*items: str, k: int = 5) -> Violation | None:
        answer = Answer(item_ids=list(items), scores=[1.0] * len(items), reasons=["popular"] * len(items))
        return Contract(model, dataclasses.replace(_request(), k=k)).violation(answer)

    assert violation("b", "e", "a") is None
    assert violation("b", "e", "d") == violation("d", k=1) == Violation.RULE
    assert violation("b", "e", "gold") == Violation.UNKNOWN_ITEM
    assert violation("b", "e") == Violation.SHORT


def test_what_the_catalog_no_longer_has_is_not_listed_though_the_shopper_bought_it(
    model: package.LoadedModel,
) -> None:
    request = dataclasses.replace(_request(), history_item=["gone", "gone", "gone", "gone", "b"])
    answer, rung = unranked(model, request, ["a", "gone too"], personal=True)
    assert (answer.item_ids[0], rung) == ("b", Rung.PERSONAL)
    assert not {"gone", "gone too"} & set(answer.item_ids)


def test_a_shopper_without_a_history_has_nothing_to_buy_again(model: package.LoadedModel) -> None:
    newcomer = dataclasses.replace(_request(), history_item=[], history_time=np.empty(0, np.int64), k_new=2)
    alone = dataclasses.replace(newcomer, k=2, k_new=0)
    answers = [model.recommend([alone, newcomer, alone])[1], unranked(model, newcomer, ["a", "b"], personal=True)[0]]
    for answer in answers:
        assert answer.new is not None and answer.item_ids == [] and len(answer.new.item_ids) == 2
    assert answers[0].new == model.recommend([alone])[0]


def test_the_task_of_the_model_decides_where_a_request_leaves_it_open(
    model: package.LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not model.new_only
    monkeypatch.setattr(model, "new_only", True)
    repeats = dataclasses.replace(_request(), new_only=False)
    assert [answer.item_ids for answer in model.recommend([_request(), repeats])] == [["a"], ["b", "e", "a"]]
    assert unranked(model, _request(), ["b", "d", "a"], personal=True)[0].item_ids == ["a"]
    assert unranked(model, repeats, ["b", "a"], personal=True)[1] is Rung.PERSONAL


def test_the_quicker_ranking_reads_the_last_events_only(
    model: package.LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "FEWER_EVENTS", 1)
    answer = model.recommend([_request()], fewer=True)[0]
    own = [item for item, reason in zip(answer.item_ids, answer.reasons, strict=True) if reason == "bought_before"]
    assert own == ["e"]


def test_where_how_many_and_at_what_price_are_arrays_of_the_known_items(model: package.LoadedModel) -> None:
    """x is not in the catalog, nor is the store s9; the second request knows nothing of the kind."""
    details = dataclasses.replace(
        _request(),
        history_item=["b", "x", "d", "d", "e"],
        history_store=Coded.of(["s2", "s1", "s9", "", "s1"]),
        history_quantity=np.array([1, 2, 3, 4, 0.5], np.float32),
        history_price=np.array([0, 1, 2, 3, 1.25], np.float32),
    )
    batch = model._batch([details, _request()], None)
    assert batch.history_item_H.tolist() == [ITEMS.index(item) for item in "bddebbdde"]
    assert batch.history_store_H.tolist() == [2, 0, 0, 1] + [0] * 5
    assert batch.history_quantity_H.tolist() == [1, 3, 4, 0.5] + [1] * 5
    assert batch.history_price_H.tolist() == [0, 2, 3, 1.25] + [0] * 5
    fewer = model._batch([details, _request()], 2)
    assert (fewer.history_store_H.tolist(), fewer.history_price_H.tolist()) == ([0, 1, 0, 0], [3, 1.25, 0, 0])


def test_every_batch_reports_its_phases_in_order(model: package.LoadedModel) -> None:
    stages.clear()
    model.recommend([_request(), _request()])
    assert stages == [(model.version, stage) for stage in ("retrieve", "rank", "rerank")]


def test_detail_lists_all_that_was_ranked_and_changes_no_answer(model: package.LoadedModel) -> None:
    plain = dataclasses.replace(_request(), k=1)
    bare, detailed = model.recommend([plain, dataclasses.replace(plain, detail=True)])
    assert bare.ranked is None and detailed.ranked is not None
    assert dataclasses.replace(detailed, ranked=None, unknown=None) == bare
    assert detailed.ranked.item_ids == ["b", "e", "a"]  # d, which the rule takes out, is no candidate
    assert detailed.ranked.scores == sorted(detailed.ranked.scores, reverse=True)
    assert len(detailed.ranked.item_ids) == len(detailed.ranked.reasons) == len(set(detailed.ranked.item_ids))


def test_detail_lists_what_of_the_request_is_unknown(model: package.LoadedModel) -> None:
    familiar = dataclasses.replace(_request(), store_id="s1", exclude=["a"], attributes=[("age", "40")], detail=True)
    nowhere = dataclasses.replace(familiar, store_id="")
    strange = dataclasses.replace(
        familiar, attributes=[], store_id="s9", history_item=["b", "x", "y", "d", "e"], exclude=["a", "v"]
    )
    unknown = [answer.unknown for answer in model.recommend([familiar, nowhere, strange])]
    nothing = Unknown(shopper=False, store=False, history_items=0, exclude_items=0)
    assert unknown == [nothing, nothing, Unknown(shopper=True, store=True, history_items=2, exclude_items=1)]
