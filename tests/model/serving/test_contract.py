"""The answer contract, with a model that answers each kind of garbage."""

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model.api import Answer, Request, Rung
from model.candidates.barred import AGAIN, ALWAYS, NEVER
from model.errors import ModelRefused
from model.serving.contract import Contract, Violation
from model.serving.fallback.ladder import Ladder
from model.serving.telemetry import metrics
from tests.model.serving.fake_server import FakeModel, FakeTerms

CATALOG = ("a", "b", "c", "d", "e", "f")
REQUEST = Request(user_id="u", time_s=9, history_item=["a", "b"], history_time=np.array([1, 2]), k=3, exclude=("f",))


def _answer(*items: Any, **changes: Any) -> Answer:
    good = Answer(item_ids=list(items), scores=[0.5] * len(items), reasons=["popular"] * len(items))
    return dataclasses.replace(good, **changes)


@dataclasses.dataclass(frozen=True)
class _Ruled(FakeTerms):
    """`d` is never listed, `e` and `a` only to those who bought them."""

    rules: Any = "old"

    def codes(self, item_ids: Sequence[str]) -> np.ndarray:
        ruled = {"d": NEVER, "e": AGAIN, "a": AGAIN}
        return np.array([ruled.get(item, ALWAYS) if item in CATALOG else -1 for item in item_ids], np.int32)


class _Model(FakeModel):
    """Answers what it is given, once it is warm."""

    def __init__(self, garbage: Answer | None = None, personal: Answer | None = None) -> None:
        super().__init__(version="garbage", items=CATALOG, closed=True)
        self.garbage, self.personal = garbage, personal

    def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
        good = super().recommend(requests, fewer)
        return [self.garbage or a if r.user_id == "u" else a for r, a in zip(requests, good, strict=True)]

    def shown(self, request: Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> Answer:
        own = len(reason_C) and reason_C[0] == b"bought_before"
        return self.personal if own and self.personal else super().shown(request, item_C, score_C, reason_C)


GARBAGE = {
    "nothing": (_answer(), Violation.SHORT),
    "half": (_answer("a"), Violation.SHORT),
    "one item again and again": (_answer("a", "a", "a"), Violation.DUPLICATE),
    "more than asked for": (_answer("a", "b", "c", "d"), Violation.LONG),
    "no number": (_answer("a", "b", "c", scores=[0.5, float("nan"), 0.1]), Violation.SCORE),
    "infinity": (_answer("a", "b", "c", scores=[float("inf"), 0.5, 0.1]), Violation.SCORE),
    "infinities that cancel": (_answer("a", "b", "c", scores=[float("inf"), -float("inf"), 0.1]), Violation.SCORE),
    "an item that is not in the catalog": (_answer("a", "b", "gold"), Violation.UNKNOWN_ITEM),
    "bytes of no text": (_answer("a", "b", "c\ud800"), Violation.UNKNOWN_ITEM),
    "what the request excludes": (_answer("a", "b", "f"), Violation.EXCLUDED),
    "scores of another list": (_answer("a", "b", "c", scores=[0.5]), Violation.SHAPE),
    "items that are no text": (_answer("a", "b", None), Violation.SHAPE),
    "scores that are no numbers": (_answer("a", "b", "c", scores=["much", "more", "less"]), Violation.SHAPE),
    "a shelf that was not asked for": (_answer("a", "b", "c", new=_answer("d")), Violation.SHAPE),
}


def _asked(model: _Model, request: Request = REQUEST) -> tuple[Answer, Rung, dict[str, float]]:
    """(answer, its rung, violations counted meanwhile)."""

    def counts() -> dict[str, float]:
        return {kind: metrics.of(metrics.VIOLATIONS, "garbage", kind)._value.get() for kind in Violation}

    ladder = Ladder(model, threads=1)
    ladder.warm_up()
    before = counts()
    try:
        answer, rung = asyncio.run(ladder.answer(request, time.perf_counter() + 5))
    finally:
        ladder.close()
    return answer, rung, {kind: count - before[kind] for kind, count in counts().items() if count > before[kind]}


def test_a_good_answer_stays_and_counts_nothing() -> None:
    answer, rung, counted = _asked(_Model())
    assert (answer.item_ids, rung, counted) == (["b", "a", "c"], Rung.FULL, {})


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_counted_once_by_kind_and_the_next_rung_answers(name: str) -> None:
    garbage, kind = GARBAGE[name]
    answer, rung, counted = _asked(_Model(garbage))
    assert (answer.item_ids, rung, counted) == (["b", "a", "c"], Rung.PERSONAL, {kind: 1.0})


def test_where_the_next_rung_breaks_the_contract_too_popular_items_answer() -> None:
    answer, rung, counted = _asked(_Model(_answer(), personal=_answer("a", "a", "a")))
    assert (answer.item_ids, rung, counted) == (["a", "b", "c"], Rung.POPULAR, {Violation.SHORT: 1.0})


def test_a_model_whose_popular_list_is_garbage_does_not_become_ready() -> None:
    class Worse(_Model):
        def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
            return [_answer("a", "a")] * len(requests)

    ladder = Ladder(Worse(), threads=1)
    with pytest.raises(ModelRefused, match=r"garbage: its list of what is popular breaks the contract \(duplicate\)"):
        ladder.warm_up()
    ladder.close()


def test_a_short_list_is_fine_where_there_is_no_more() -> None:
    request = dataclasses.replace(REQUEST, exclude=("b", "c", "d", "e", "f"))
    assert _asked(_Model(), request)[2] == {}


SHELVES = dataclasses.replace(REQUEST, k=2, k_new=2, exclude=())
BROKEN_SHELVES = {
    "both hold": (_answer("b", "a", new=_answer("c", "d")), None),
    "buy again may be short": (_answer("a", new=_answer("c", "d")), None),
    "new may not": (_answer("a", "b", new=_answer("c")), Violation.SHORT),
    "one is missing": (_answer("a", "b"), Violation.SHAPE),
    "what was bought is not new": (_answer("a", new=_answer("b", "c")), Violation.EXCLUDED),
    "what was never bought is not bought again": (_answer("c", new=_answer("d", "e")), Violation.EXCLUDED),
    "one item on both": (_answer("c", new=_answer("c", "d")), Violation.DUPLICATE),
    "garbage on the second": (_answer("a", new=_answer("c", "d", scores=[1.0, float("nan")])), Violation.SCORE),
}


@pytest.mark.parametrize("name", BROKEN_SHELVES)
def test_both_shelves_are_held_to_it(name: str) -> None:
    answer, violation = BROKEN_SHELVES[name]
    assert Contract(_Model(), SHELVES).violation(answer) == violation


def test_a_list_of_what_is_new_has_nothing_from_the_history() -> None:
    contract = Contract(_Model(), dataclasses.replace(REQUEST, new_only=True))
    assert contract.violation(_answer("c", "d", "a")) == Violation.EXCLUDED
    assert contract.violation(_answer("c", "d", "e")) is None
    assert contract.violation(_answer("c", "d")) == Violation.SHORT


def test_rules_hold_and_what_is_restricted_is_listed_to_those_who_bought_it() -> None:
    model = _Model()
    model.terms = lambda _: _Ruled(None)  # type: ignore[method-assign]
    contract = Contract(model, REQUEST)
    assert contract.violation(_answer("a", "b", "c")) is None
    assert contract.violation(_answer("a", "b", "d")) == Violation.RULE
    assert contract.violation(_answer("a", "b", "e")) == Violation.RULE


def test_an_answer_that_the_change_of_the_rules_overtook_is_held_to_either() -> None:
    terms: list[FakeTerms] = [_Ruled(None), FakeTerms(None)]
    model = _Model()
    model.terms = lambda _: terms.pop(0)  # type: ignore[method-assign]
    assert Contract(model, REQUEST).violation(_answer("a", "b", "d")) is None
