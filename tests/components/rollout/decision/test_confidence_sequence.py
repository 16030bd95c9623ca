import math
from typing import Any

import numpy as np
import pytest

from components.rollout.decision.confidence_sequence import outcome_ratio, radius, requests_needed, se_for
from components.rollout.decision.evidence import Evidence, VersionEvidence


def _version(trips: int, hits: int, se: float) -> VersionEvidence:
    fixed: dict[str, Any] = {"requests": trips, "errors": 0, "shoppers": trips, "p50_ms": 1.0, "p99_ms": 1.0}
    return VersionEvidence(**fixed, p99_low_ms=1.0, trips=trips, hits=hits, hits_per_trip_se=se)


def test_the_half_width_is_where_the_mixture_ratio_reaches_one_over_alpha() -> None:
    # V = 0.0025, t^2 = 0.01: sqrt(2 * 0.0025 * 1.25 * (ln(1 / 0.04) + ln(5) / 2)) = sqrt(0.00625 * 4.0236) = 0.1586.
    assert radius(0.05, 0.05) == pytest.approx(0.1586, abs=1e-4)
    d, v, scale = radius(0.05, 0.05), 0.0025, 0.01
    reached = math.sqrt(v / (v + scale)) * math.exp(scale * d**2 / (2 * v * (v + scale)))
    assert reached == pytest.approx(1 / (0.8 * 0.05))


def test_with_little_data_the_wide_mixture_decides_and_is_narrower() -> None:
    # V = 1, t^2 = 1: sqrt(4 * (ln(100) + ln(2) / 2)) = 4.451; the other would give 24.8.
    assert radius(1.0, 0.05) == pytest.approx(4.451, abs=1e-3)


def test_certainty_and_ignorance_have_no_width_and_all_of_it() -> None:
    assert radius(0.0, 0.05) == 0.0
    assert radius(math.inf, 0.05) == math.inf


def test_the_ratio_and_its_interval_with_hand_computed_values() -> None:
    # 1.4 over 2.0; relative errors 0.07 / 1.4 = 0.05 and 0: the half-width above, exp(-+0.1586) = 0.8534 and 1.1719.
    interval = outcome_ratio(Evidence(canary=_version(100, 140, 0.07), stable=_version(900, 1800, 0.0)), 0.05)
    assert interval == pytest.approx((0.7, 0.7 * 0.8534, 0.7 * 1.1719), abs=1e-4)


def test_a_canary_without_hits_is_judged_as_if_it_had_one() -> None:
    # 1 hit of 1000 trips over 2.0: 0.0005 * exp(4.451) = 0.043.
    interval = outcome_ratio(Evidence(canary=_version(1000, 0, 0.0), stable=_version(900, 1800, 0.0)), 0.05)
    assert interval == pytest.approx((0.0, 0.0, 0.043), abs=1e-3)


def test_there_is_no_ratio_without_hits_of_stable_and_no_bound_from_one_shopper() -> None:
    assert outcome_ratio(Evidence(canary=_version(10, 5, 0.1), stable=_version(10, 0, 0.0)), 0.05) is None
    assert outcome_ratio(Evidence(canary=_version(0, 0, 0.1), stable=_version(10, 5, 0.1)), 0.05) is None
    alone = outcome_ratio(Evidence(canary=_version(10, 5, math.inf), stable=_version(10, 5, 0.1)), 0.05)
    assert alone == (1.0, 0.0, math.inf)


def test_looking_at_every_observation_finds_a_difference_that_is_not_there_at_most_as_often_as_alpha() -> None:
    rng = np.random.default_rng(7)
    mean = rng.normal(size=(400, 1000)).cumsum(axis=1) / np.arange(1, 1001)
    half = np.array([radius(1 / math.sqrt(n), 0.05) for n in range(1, 1001)])
    ordinary = 1.96 / np.sqrt(np.arange(1, 1001))
    assert (np.abs(mean) > half).any(axis=1).mean() <= 0.05
    assert (np.abs(mean) > ordinary).any(axis=1).mean() > 0.3


def test_the_requests_needed_are_those_at_which_the_interval_has_shrunk_enough() -> None:
    assert radius(se_for(0.2, 0.05), 0.05) == pytest.approx(0.2, rel=1e-3)
    # An equal canary, errors 0.1 and 0, 1000 requests: to be above 0.8 the half-width must be ln(1 / 0.8) = 0.2231.
    evidence = Evidence(canary=_version(500, 1000, 0.2), stable=_version(500, 1000, 0.0))
    needed = requests_needed(evidence, 0.8, 0.05)
    assert needed == pytest.approx(1000 * (0.1 / se_for(0.2231, 0.05)) ** 2, rel=1e-2)
    assert needed is not None
    shrunk = Evidence(canary=_version(500, 1000, 0.2 * math.sqrt(1000 / needed)), stable=evidence.stable)
    interval = outcome_ratio(shrunk, 0.05)
    assert interval is not None and interval[1] == pytest.approx(0.8, abs=1e-3)


def test_no_number_of_requests_is_promised_to_a_canary_that_is_too_bad_or_without_evidence() -> None:
    stable = _version(500, 1000, 0.1)
    for canary in (_version(500, 700, 0.1), _version(500, 0, 0.0), _version(500, 1000, math.inf)):
        assert requests_needed(Evidence(canary=canary, stable=stable), 0.8, 0.05) is None
