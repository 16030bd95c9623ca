"""A loaded model directory: the quicker ranking, rules on every rung, the stages it reports."""

import dataclasses

import numpy as np
import pytest

from model.api import Request, Rung, Unknown
from model.package import loaded_model as package
from model.serving.fallback.ladder import unranked
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


def test_every_batch_reports_its_phases_in_order(model: package.LoadedModel) -> None:
    stages.clear()
    model.recommend([_request(), _request()])
    assert stages == [(model.version, stage) for stage in ("retrieve", "rank", "rerank")]


def test_detail_lists_all_that_was_ranked_and_changes_no_answer(model: package.LoadedModel) -> None:
    plain = dataclasses.replace(_request(), k=1)
    bare, detailed = model.recommend([plain, dataclasses.replace(plain, detail=True)])
    assert bare.ranked is None and detailed.ranked is not None
    assert dataclasses.replace(detailed, ranked=None, unknown=None) == bare
    assert detailed.ranked.item_ids[:3] == ["d", "b", "e"]  # d is ranked, and then taken out by the rule
    assert detailed.ranked.scores == sorted(detailed.ranked.scores, reverse=True)
    assert len(detailed.ranked.item_ids) == len(detailed.ranked.reasons) == len(set(detailed.ranked.item_ids))


def test_detail_lists_what_of_the_request_is_unknown(model: package.LoadedModel) -> None:
    familiar = dataclasses.replace(_request(), store_id="s1", exclude=["a"], detail=True)
    nowhere = dataclasses.replace(familiar, store_id="")
    strange = dataclasses.replace(
        familiar, user_id="u9", store_id="s9", history_item=["b", "x", "y", "d", "e"], exclude=["a", "v"]
    )
    unknown = [answer.unknown for answer in model.recommend([familiar, nowhere, strange])]
    nothing = Unknown(shopper=False, store=False, history_items=0, exclude_items=0)
    assert unknown == [nothing, nothing, Unknown(shopper=True, store=True, history_items=2, exclude_items=1)]
