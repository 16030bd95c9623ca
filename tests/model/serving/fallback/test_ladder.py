"""Every failure that serving meets has a defined answer within the deadline: faults injected behind both ports."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import kserve
import numpy as np
import pytest
from kserve.protocol.infer_type import InferInput

from model.api import Answer, Request, Rung
from model.errors import InputError
from model.serving.admission.gate import ARRIVAL
from model.serving.admission.limits import Limits
from model.serving.fallback.ladder import Ladder
from model.serving.predictor import Overloaded, Predictor
from tests.model.serving.fake_server import FakeModel
from tests.model.serving.history.fake_store import FakeStore
from tfx_configs.frozen import SettingsError

ITEMS = ("p", "q")


REQUEST = Request(user_id="u", time_s=0, history_item=[], history_time=np.empty(0, np.int64))


class HeldModel(FakeModel):
    """Its answers wait for `go`."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.begun, self.go = threading.Event(), threading.Event()

    def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
        self.begun.set()
        assert self.go.wait(10)
        return super().recommend(requests, fewer)


def _predictor(store: FakeStore | None = None, limits: Limits | None = None, **model: Any) -> Predictor:
    """A loaded predictor; `model` are FakeModel's fields, set after loading."""
    fake = FakeModel(version="v", items=ITEMS)
    predictor = Predictor(lambda: fake, store or FakeStore(items={"u": ["a", "a", "b"]}), limits=limits)
    predictor.load()
    for name, value in model.items():
        setattr(fake, name, value)
    return predictor


async def _ask(predictor: Predictor, user: str = "u", deadline_ms: Any = 2000, **rest: Any) -> dict[str, Any]:
    inputs = [InferInput("user_id", [1], "BYTES", data=[user])]
    inputs += [InferInput(name, [len(data)], "BYTES", data=data) for name, data in rest.items()]
    request = kserve.InferRequest("aisle", inputs, parameters={"deadline_ms": deadline_ms})
    begin = time.perf_counter()
    response = await predictor.predict(request, {})
    answer = {"ms": (time.perf_counter() - begin) * 1000, "items": response.outputs[0].as_numpy().tolist()}
    return answer | {name: response.parameters[name] for name in ("rung", "state")}


def _asked(predictor: Predictor, **how: Any) -> dict[str, Any]:
    try:
        return asyncio.run(_ask(predictor, **how))
    finally:
        predictor.close()


def _check(answer: dict[str, Any], rung: str, state: str, items: list[str]) -> None:
    assert (answer["rung"], answer["state"], answer["items"]) == (rung, state, items)


def test_with_time_enough_the_model_ranks() -> None:
    _check(_asked(_predictor()), "full", "found", ["b", "a", "p", "q"])


def test_a_slow_model_is_left_behind_at_the_deadline() -> None:
    answer = _asked(_predictor(sleep_s=1.0), deadline_ms=100)
    _check(answer, "personal_frequency", "found", ["a", "b", "p", "q"])
    assert answer["ms"] < 500


def test_once_known_to_be_slow_it_is_asked_for_fewer_candidates() -> None:
    predictor = _predictor(sleep_s=1.0)

    async def twice() -> dict[str, Any]:
        assert (await _ask(predictor, deadline_ms=2000))["rung"] == "full"
        return await _ask(predictor, deadline_ms=80)

    answer = asyncio.run(twice())
    predictor.close()
    _check(answer, "fewer_candidates", "found", ["b", "a", "p", "q"])


@pytest.mark.parametrize(("busy", "rung"), [(False, Rung.FULL), (True, Rung.FEWER)])
def test_behind_another_batch_there_must_be_time_for_two(busy: bool, rung: Rung) -> None:
    """Full ranking is expected to take 3 s and there are 5: enough for one round, not for two."""
    model = HeldModel(version="v", items=ITEMS)
    ladder = Ladder(model, threads=1)
    ladder._expected_s[Rung.FULL] = 3.0

    async def ask() -> Rung:
        if busy:
            first = asyncio.wrap_future(ladder._batcher.submit(REQUEST, True))
            assert await asyncio.to_thread(model.begun.wait, 10)
        else:
            model.go.set()
        answer = asyncio.ensure_future(ladder.answer(REQUEST, time.perf_counter() + 5.0))
        await asyncio.sleep(0)  # it has chosen its rung
        model.go.set()
        if busy:
            await first
        return (await answer)[1]

    assert asyncio.run(ask()) == rung
    ladder.close()


def test_a_model_that_was_too_slow_once_is_tried_again_before_long() -> None:
    predictor = _predictor(sleep_s=1.0, fewer_sleep_s=0.0)

    async def until_full() -> int:
        await _ask(predictor, deadline_ms=2000)
        predictor._ladder.model.sleep_s = 0.0
        for tries in range(1, 200):
            if (await _ask(predictor, deadline_ms=80))["rung"] == "full":
                return tries
        return 0

    assert 1 < asyncio.run(until_full()) < 100
    predictor.close()


def test_a_model_that_fails_is_not_an_error_to_the_shopper_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    predictor = _predictor(fail=True)

    async def five_times() -> list[dict[str, Any]]:
        return [await _ask(predictor) for _ in range(5)]

    with caplog.at_level(logging.ERROR, "model.serving.fallback.ladder"):
        answers = asyncio.run(five_times())
    predictor.close()
    for answer in answers:
        _check(answer, "personal_frequency", "found", ["a", "b", "p", "q"])
    assert [record.message for record in caplog.records] == ["the model fails; answers come from lower rungs"]


def test_a_model_that_fails_has_the_popular_items_for_an_unknown_shopper() -> None:
    _check(_asked(_predictor(fail=True), user="new"), "popular", "unknown", ["p", "q"])


def test_a_model_that_fails_while_loading_is_never_ready() -> None:
    def refuse() -> FakeModel:
        raise InputError("no model")

    predictor = Predictor(refuse, FakeStore())
    with pytest.raises(InputError):
        predictor.load()
    assert not predictor.ready


def test_with_the_store_down_the_model_ranks_without_a_history_and_the_answer_reports_it() -> None:
    _check(_asked(_predictor(FakeStore(down=True))), "full", "unavailable", ["p", "q"])


def test_a_slow_store_takes_no_more_than_its_share_of_the_deadline() -> None:
    answer = _asked(_predictor(FakeStore(sleep_s=3.0)), deadline_ms=1000)
    _check(answer, "full", "unavailable", ["p", "q"])
    assert 300 < answer["ms"] < 1500


def test_with_the_store_down_the_items_sent_along_stand_in() -> None:
    answer = _asked(_predictor(FakeStore(down=True)), recent_items=["x", "y"])
    _check(answer, "full", "recent_items", ["y", "x", "p", "q"])


def test_with_both_down_the_popular_items_are_left() -> None:
    _check(_asked(_predictor(FakeStore(down=True), fail=True)), "popular", "unavailable", ["p", "q"])


def test_a_store_that_hangs_does_not_hold_up_many_requests() -> None:
    predictor = _predictor(FakeStore(sleep_s=0.5))

    async def many() -> list[dict[str, Any]]:
        return await asyncio.gather(*(_ask(predictor, deadline_ms=200) for _ in range(20)))

    answers = asyncio.run(many())
    predictor.close()
    assert {answer["state"] for answer in answers} == {"unavailable"}
    assert max(answer["ms"] for answer in answers) < 500


def test_a_request_whose_deadline_was_over_before_its_turn_is_turned_away() -> None:
    async def late() -> dict[str, Any]:
        ARRIVAL.set(time.perf_counter() - 0.2)
        return await _ask(predictor, deadline_ms=100)

    predictor = _predictor()
    with pytest.raises(Overloaded):
        asyncio.run(late())
    predictor.close()


def test_the_deadline_counts_from_the_arrival() -> None:
    async def waited() -> dict[str, Any]:
        ARRIVAL.set(time.perf_counter() - 0.9)
        return await _ask(predictor, deadline_ms=1000)

    predictor = _predictor(sleep_s=5.0)
    answer = asyncio.run(waited())
    assert (answer["rung"], answer["ms"] < 200) == ("personal_frequency", True)


@pytest.mark.parametrize("bad", [0, -1, 1e9, "soon", True, [5], None, float("nan")])
def test_a_deadline_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(kserve.errors.InvalidInput, match="expected 1 to 60000 milliseconds") as error:
        _asked(_predictor(), deadline_ms=bad)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("limits", [{"deadline_ms": 0.5}, {"deadline_ms": 1e6}, {"max_in_flight": 0}])
def test_limits_out_of_range_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="expected"):
        Limits(**limits)
