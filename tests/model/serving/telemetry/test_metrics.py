"""What answers add to the metrics, read as Prometheus would."""

from collections.abc import Sequence

import numpy as np
from prometheus_client import REGISTRY

from model import api
from model.api import Rung
from model.serving.history.lookup import Source, State
from model.serving.history.store import History
from model.serving.telemetry.metrics import count
from model.serving.v2_inputs import Query

VERSION = "counted"


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"version": VERSION, **labels}) or 0.0


def _count(items: Sequence[str], store_id: str, ranked: api.Ranked | None, unknown: api.Unknown | None) -> None:
    state = State(
        history=History(items, np.arange(90, 90 + len(items), dtype=np.int64)),
        source=Source.FOUND if items else Source.UNKNOWN,
        time_s=100,
    )
    answer = api.Answer(item_ids=["a"], scores=[1.0], reasons=["popular"], ranked=ranked, unknown=unknown)
    count(VERSION, Query(user_id="u", time_s=100, store_id=store_id, exclude=("x",)), state, answer, Rung.FULL, 0.01)


def test_answers_add_to_what_was_missing_unknown_and_ranked() -> None:
    ranked = api.Ranked(item_ids=["a", "b", "c"], scores=[3, 2, 1], reasons=["popular", "popular", "bought_before"])
    _count([], "s1", None, None)
    _count(["a"], "", None, None)
    _count(["a", "b"], "s9", ranked, api.Unknown(shopper=False, store=True, history_items=1, exclude_items=0))
    _count([], "s1", ranked, api.Unknown(shopper=True, store=False, history_items=0, exclude_items=1))
    assert _value("aisle_requests_total", outcome="ok", rung="full") == 4
    assert [_value("aisle_missing_total", feature=name) for name in ("history", "store")] == [2, 1]
    features = ("shopper", "store", "history_items", "exclude")
    assert [_value("aisle_checked_total", feature=name) for name in features] == [2, 2, 2, 2]
    assert [_value("aisle_unknown_total", feature=name) for name in features] == [1, 1, 1, 1]
    assert _value("aisle_candidates_count", source="similar_taste") == 2
    assert [_value("aisle_candidates_sum", source=name) for name in ("bought_before", "popular")] == [2, 4]
    assert (_value("aisle_state_age_seconds_count"), _value("aisle_state_age_seconds_sum")) == (2, 10 + 9)
