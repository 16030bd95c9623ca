"""Stable's and the shadow's answers, with hand-computed values."""

import json
from typing import Any

import pandas as pd
import pytest

from components.rollout.shadow_comparison import compare


def _row(
    request_id: str, route: str, items: str, scores: list[float], user: str = "ann", **more: Any
) -> dict[str, Any]:
    version = "v2" if route == "shadow" else "v1"
    row = {"request_id": request_id, "route": route, "item_ids": items.split(), "scores": scores, "user_id": user}
    return row | {"version": version, "rung": "full", "latency_ms": 4.0} | more


ROWS = pd.DataFrame(
    [
        _row("1", "split", "a b c d", [0.4, 0.3, 0.2, 0.1]),
        _row("1", "shadow", "a b c d", [0.5, 0.4, 0.3, 0.2], latency_ms=8.0),
        _row("2", "split", "a b c d", [0.4, 0.3, 0.2, 0.1], user="bob"),
        _row("2", "shadow", "b a e f", [0.3, 0.2, 0.1, 0.1], user="bob", rung="fewer", latency_ms=6.0),
        _row("3", "split", "a b c d", [0.4, 0.3, 0.2, 0.1], user="cid"),
        _row("3", "shadow", "w x y z", [0.4, 0.3, 0.2, 0.1], user="cid", latency_ms=7.0),
        _row("4", "split", "a b c d", [0.4, 0.3, 0.2, 0.1]),
        _row("5", "named", "q", [0.1]),
    ]
)


def test_answers_are_compared_one_by_one() -> None:
    comparison = compare(ROWS, copies=4)
    assert (comparison.answered, comparison.copies, comparison.compared, comparison.unanswered) == (4, 4, 3, 1)
    assert comparison.versions == {"stable": ["v1"], "shadow": ["v2"]}
    assert comparison.same_list == pytest.approx(1 / 3)
    assert comparison.overlap is not None and comparison.score_drift is not None
    assert comparison.overlap["mean"] == pytest.approx((1 + 0.5 + 0) / 3)
    # Shoppers' residuals 0.5, 0, -0.5: root(3 / 2 * 0.5) / 3 = 0.2887, times 1.96 is more than is left on either side.
    assert (comparison.overlap["low"], comparison.overlap["high"]) == (0.0, 1.0)
    assert comparison.rank_correlation == pytest.approx((1 - 1) / 2)  # the same order, and the reverse of a b
    # 0.1 four times; b 0.3 - 0.3, a 0.2 - 0.4.
    assert comparison.score_drift["mean"] == pytest.approx((4 * 0.1 + 0 - 0.2) / 6)
    assert comparison.latency_ms["stable"]["p50"] == 4 and comparison.latency_ms["shadow"]["p50"] == 7
    assert comparison.rungs == {"full > full": 2, "full > fewer": 1}
    assert comparison.least_alike == ["3", "2", "1"]
    assert comparison.list_overlap == pytest.approx({"stable": 1.0, "shadow": (2 + 2) / (2 * 12)})
    json.dumps(comparison.model_dump(), allow_nan=False)


def test_copies_that_the_proxy_did_not_count_are_those_that_were_answered() -> None:
    assert compare(ROWS).copies == 3


def test_a_request_that_was_sent_twice_counts_once() -> None:
    assert compare(pd.concat([ROWS, ROWS])) == compare(ROWS)


def test_a_shadow_without_an_answer_leaves_nothing_to_compare() -> None:
    comparison = compare(ROWS[ROWS["route"] != "shadow"], copies=4)
    assert (comparison.compared, comparison.unanswered) == (0, 4)
    assert (comparison.same_list, comparison.overlap, comparison.rank_correlation, comparison.score_drift) == (
        None,
        None,
        None,
        None,
    )
    json.dumps(comparison.model_dump(), allow_nan=False)
