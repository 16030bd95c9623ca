"""Lists are asked for as serving would ask, and a model that breaks its contract is refused."""

from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import latency_ms, lists, request_of
from model.errors import StageFailed
from model.evaluation.next_basket_task import Task, load_task
from model.evaluation.ranking_metrics import NO_ITEM
from tests.components.evaluate.world import FunctionModel, latest, write_examples


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    path: Path = tmp_path_factory.mktemp("examples")
    return load_task(write_examples(path))


def test_a_request_holds_the_history_strictly_before_the_trip(task: Task) -> None:
    trip = int(task.trip_N[0])
    request = request_of(task.trips, trip, k=5)
    assert request.user_id == "u00" and request.store_id == "s0" and request.k == 5
    assert len(request.history_item) == len(request.history_time) == 8
    assert request.history_time.max() < request.time_s == task.trips.time_T[trip]


def test_lists_come_back_as_item_indices_padded_to_k(task: Task) -> None:
    items = lists(FunctionModel("v", lambda request: ["i003", "i001"]), task.trips, task.trip_N, 4, batch=7).items_Nk
    assert items.shape == (40, 4)
    assert np.unique(items, axis=0).tolist() == [[3, 1, NO_ITEM, NO_ITEM]]


def test_an_item_the_catalog_no_longer_has_keeps_its_place_as_no_item(task: Task) -> None:
    items = lists(FunctionModel("v", lambda request: ["gone", "i001"]), task.trips, task.trip_N[:1], 3).items_Nk
    assert items.tolist() == [[NO_ITEM, 1, NO_ITEM]]


def test_the_lists_do_not_depend_on_the_batch(task: Task) -> None:
    model = FunctionModel("v", latest)
    single, batched = (lists(model, task.trips, task.trip_N, 20, batch).items_Nk for batch in (1, 64))
    assert (single == batched).all()


def test_a_model_that_repeats_an_item_is_refused(task: Task) -> None:
    with pytest.raises(StageFailed, match="distinct items from model v9"):
        lists(FunctionModel("v9", lambda request: ["i001", "i001"]), task.trips, task.trip_N[:1], 3)


def test_scores_stand_beside_the_items_and_end_with_the_list(task: Task) -> None:
    result = lists(FunctionModel("v", lambda request: ["gone", "i001"], score=0.5), task.trips, task.trip_N[:1], 3, 64)
    assert result.items_Nk.tolist() == [[NO_ITEM, 1, NO_ITEM]]
    assert result.score_Nk[0, :2].tolist() == [0.5, 0.5] and np.isnan(result.score_Nk[0, 2])


def test_a_model_that_leaves_out_an_answer_is_refused(task: Task) -> None:
    class Silent(FunctionModel):
        def recommend(self, requests: object) -> list:
            return []

    with pytest.raises(StageFailed, match="expected 2 answers from model v, got 0"):
        lists(Silent("v", latest), task.trips, task.trip_N[:2], 3)


def test_latency_is_measured_one_request_at_a_time(task: Task) -> None:
    askers: list[str] = []
    model = FunctionModel("v", lambda request: askers.append(request.user_id) or ["i001"])
    result = latency_ms(model, task.trips, task.trip_N[:10])
    assert result.p50_ms and result.p99_ms and 0 < result.p50_ms <= result.p99_ms and len(askers) == 5 + 10
