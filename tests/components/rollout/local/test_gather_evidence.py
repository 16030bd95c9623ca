import math

import numpy as np
import pytest

from components.rollout.decision.evidence import VersionEvidence
from components.rollout.local.gather_evidence import agreement, gather, p99_low
from components.rollout.local.v2_client import Reply


def _reply(user_id: str, version: str, status: int = 200, hits: int = 0, latency_ms: float = 1.0) -> Reply:
    return Reply(user_id=user_id, version=version, status=status, hits=hits, latency_ms=latency_ms, item_ids=())


def _list(user_id: str, items: str, fallback: bool = False) -> Reply:
    return Reply(
        user_id=user_id, version="canary", status=200, latency_ms=1.0, item_ids=tuple(items), fallback=fallback
    )


def _canary(replies: list[Reply]) -> VersionEvidence:
    return gather(replies, assigned_to_canary=len(replies), canary_ready=True).canary


def test_each_versions_requests_shoppers_latency_and_hits_are_counted() -> None:
    replies = [
        _reply("a", "stable", hits=2, latency_ms=1),
        _reply("a", "stable", hits=1, latency_ms=3),
        _reply("b", "stable", status=500, latency_ms=99),
        _reply("c", "canary", hits=4, latency_ms=5),
    ]
    evidence = gather(replies, assigned_to_canary=1, canary_ready=True)
    stable, canary = evidence.stable, evidence.canary
    assert (stable.requests, stable.errors, stable.shoppers, stable.trips, stable.hits) == (3, 1, 2, 2, 3)
    assert (stable.p50_ms, stable.p99_ms) == pytest.approx((2.0, 2.98))
    assert (canary.requests, canary.errors, canary.shoppers, canary.hits_per_trip) == (1, 0, 1, 4.0)


def test_requests_that_stable_answered_in_the_canarys_place_are_the_canarys_errors() -> None:
    replies = [_reply("a", "canary"), _reply("b", "canary", status=500), _reply("c", "stable"), _reply("d", "")]
    evidence = gather(replies, assigned_to_canary=4, canary_ready=True)
    assert (evidence.canary.requests, evidence.canary.errors) == (4, 3)
    assert (evidence.stable.requests, evidence.stable.errors) == (1, 0)


def test_a_step_without_traffic_is_all_zeros() -> None:
    evidence = gather([], assigned_to_canary=0, canary_ready=False)
    assert evidence.canary.requests == evidence.canary.trips == evidence.canary.p99_ms == 0
    assert not evidence.canary_ready


def test_the_standard_error_is_clustered_by_shopper() -> None:
    # a: 4 hits on 2 trips, b: 0 on 2. R = 1; residuals 4-2 = 2 and 0-2 = -2; sqrt(2/1 * 8) / 4 = 1.
    replies = [
        _reply("a", "canary", hits=2),
        _reply("a", "canary", hits=2),
        _reply("b", "canary"),
        _reply("b", "canary"),
    ]
    assert _canary(replies).hits_per_trip_se == pytest.approx(1.0)


def test_one_shopper_is_no_evidence_about_the_others() -> None:
    assert _canary([_reply("a", "canary", hits=1), _reply("a", "canary", hits=3)]).hits_per_trip_se == math.inf


def test_the_bound_of_the_p99_needs_more_than_one_slow_request_of_ten() -> None:
    # P(Binomial(10, 0.99) = 10) = 0.904 is below 0.99, P(>= 9) = 0.996 is not: the 9th of 10.
    assert p99_low(np.array([900.0, *range(1, 10)])) == 9.0
    # P(Binomial(1, 0.99) = 1) = 0.99 is not above 0.99: one value bounds nothing.
    assert p99_low(np.array([900.0])) == 0.0


def test_the_overlap_of_lists_counts_the_items_that_pairs_of_shoppers_share() -> None:
    assert _canary([_list("u", "ab"), _list("v", "ab"), _list("w", "ba")]).list_overlap == 1.0
    assert _canary([_list("u", "ab"), _list("v", "cd")]).list_overlap == 0.0
    # Pairs: ab-ac share 1 of 2, ab-cd 0, ac-cd 1 of 2: a third.
    assert _canary([_list("u", "ab"), _list("v", "ac"), _list("w", "cd")]).list_overlap == pytest.approx(1 / 3)


def test_a_shopper_who_comes_again_is_no_other_shopper() -> None:
    assert _canary([_list("u", "ab"), _list("u", "ab")]).list_overlap == 0.0
    assert _canary([]).list_overlap == 0.0


def test_agreement_is_the_share_of_the_canarys_items_that_stable_gave_too() -> None:
    pairs = [(_list("u", "ab"), _list("u", "bc")), (_list("v", "ab"), _list("v", "ab"))]
    assert agreement(pairs) == pytest.approx(0.75)
    assert agreement([(_list("u", "ab"), _reply("u", "stable", status=500))]) is None


def test_answers_from_a_fallback_are_counted() -> None:
    evidence = gather([_list("u", "ab", fallback=True), _list("v", "ab")], assigned_to_canary=2, canary_ready=True)
    assert evidence.canary.fallback_percent == 50.0
