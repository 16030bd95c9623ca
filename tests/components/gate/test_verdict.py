"""The gate's truth table: one good evaluation is blessed; spoiling any one thing of it is a no with that reason."""

from typing import Any

import pytest

from components.gate.verdict import as_markdown, decide, headline
from tests.components.gate.evaluation import EXPECTED, GOOD, MODELS, SETTINGS, spoiled
from tfx_configs.settings import GateSettings


def failed(metrics: dict[str, Any], settings: GateSettings = SETTINGS) -> list[str]:
    verdict = decide(metrics, settings, EXPECTED)
    assert verdict.blessed == verdict.passed == all(reason.passed for reason in verdict.reasons)
    return [reason.check for reason in verdict.reasons if not reason.passed]


def test_a_good_candidate_is_blessed() -> None:
    assert failed(GOOD) == []


def test_the_first_candidate_is_blessed_without_a_blessed_model() -> None:
    assert failed(spoiled("blessed", value=None)) == []


@pytest.mark.parametrize(
    ("path", "value", "check"),
    [
        (("models", "aisle", "recall@10"), 0.139, "recall@10"),
        (("models", "aisle", "coverage@10"), 0.009, "coverage"),
        (("models", "blessed", "ndcg@10"), 0.22, "ndcg@10 of the blessed model"),
        (("latency", "p50_ms"), 50.1, "latency"),
        (("size_mb",), 500.1, "size"),
        (("tfma", "verdict"), False, "tfma"),
        (("tfma", "verdict"), None, "tfma verdict"),
        (("tfma", "failures"), ["ndcg@10 in store 3"], "tfma"),
        (("tfma", "example_count"), 199, "tfma trips"),
        (("tfma", "counts_agree"), False, "tfma slices"),
        (("tfma", "max_difference"), 2e-6, "tfma values"),
        (("trips",), 199, "trips"),
        (("digest",), "d2", "data"),
    ],
)
def test_one_spoiled_value_is_a_no_for_that_reason(path: tuple[str, ...], value: Any, check: str) -> None:
    assert failed(spoiled(*path, value=value)) == [check]


def test_below_the_best_baseline_is_a_no_whichever_baseline_is_best() -> None:
    assert "ndcg@10" in failed(spoiled("models", "popularity", "ndcg@10", value=0.22))
    assert "ndcg@10" in failed(spoiled("models", "personal_frequency", "ndcg@10", value=0.22))


def test_a_tie_with_the_best_baseline_is_enough() -> None:
    assert failed(spoiled("models", "personal_frequency", "recall@10", value=0.15)) == []


def test_a_regression_in_one_slice_of_enough_trips_is_a_no_and_in_a_small_one_is_not() -> None:
    worse = MODELS | {"aisle": {"ndcg@10": 0.17}}
    metrics = spoiled("slices", 1, "models", value=worse)
    assert failed(metrics) == ["shopper two"]
    assert failed(metrics, GateSettings(min_slice_trips=101)) == []


def test_a_slice_is_compared_with_the_blessed_model_too() -> None:
    better_before = MODELS | {"blessed": {"ndcg@10": 0.30}}
    assert failed(spoiled("slices", 0, "models", value=better_before)) == ["shopper one"]


@pytest.mark.parametrize("slicing", ["shopper", "activity", "basket"])
def test_a_slicing_that_every_data_has_may_not_be_missing(slicing: str) -> None:
    metrics = spoiled("slices", value=[row for row in GOOD["slices"] if row["slice"] != slicing])
    assert failed(metrics) == [f"slices by {slicing}"]


def test_a_slicing_that_lost_one_of_its_slices_is_a_no() -> None:
    assert failed(spoiled("slices", 7, value=...)) == ["slices by store"]


@pytest.mark.parametrize(
    ("path", "check"),
    [
        (("digest",), "same data"),
        (("trips",), "same data"),
        (("tfma",), "tfma verdict"),
        (("tfma", "max_difference"), "tfma agrees"),
        (("tfma", "counts_agree"), "tfma agrees"),
        (("models",), "beats baseline"),
        (("models", "aisle"), "beats baseline"),
        (("models", "popularity"), "beats baseline"),
        (("models", "blessed"), "no regression"),
        (("blessed",), "no regression"),
        (("slices",), "slices complete"),
        (("slices", 0, "models"), "no slice regression"),
        (("models", "aisle", "coverage@10"), "coverage"),
        (("latency",), "latency"),
        (("size_mb",), "size"),
        (("candidate",), "beats baseline"),
    ],
)
def test_whatever_is_missing_is_a_no(path: tuple[str | int, ...], check: str) -> None:
    assert check in failed(spoiled(*path, value=...))


@pytest.mark.parametrize("wrong", [None, float("nan"), float("inf"), True, "0.2", [0.2]])
@pytest.mark.parametrize("model", ["aisle", "popularity", "blessed"])
def test_what_is_not_a_number_is_a_no(wrong: Any, model: str) -> None:
    assert failed(spoiled("models", model, "ndcg@10", value=wrong))


@pytest.mark.parametrize("metrics", [{}, {"slices": 3}, {"candidate": ["aisle"], "models": []}, GOOD | {"slices": [1]}])
def test_a_broken_evaluation_is_a_no_and_not_an_error(metrics: dict[str, Any]) -> None:
    assert failed(metrics)


def test_no_slices_at_all_is_a_no() -> None:
    assert failed(spoiled("slices", value=[])) == ["slices by shopper", "slices by activity", "slices by basket"]


@pytest.mark.parametrize("names", [[], ["popularity"], ["personal_frequency"]])
def test_an_evaluation_without_both_baselines_is_a_no(names: list[str]) -> None:
    assert "beats baseline" in failed(spoiled("baselines", value=names))


def test_an_override_blesses_and_keeps_what_failed_in_plain_sight() -> None:
    verdict = decide(spoiled("size_mb", value=900.0), SETTINGS, EXPECTED, " campaign starts tonight ")
    assert verdict.blessed and verdict.overridden and not verdict.passed
    assert headline(verdict).startswith("BLESSED BY OVERRIDE (campaign starts tonight) although")
    assert verdict.to_dict()["overridden"] is True and "size" in headline(verdict)


def test_a_blank_override_is_none_and_one_that_was_not_needed_says_so() -> None:
    assert not decide(spoiled("size_mb", value=900.0), SETTINGS, EXPECTED, "  ").blessed
    verdict = decide(GOOD, SETTINGS, EXPECTED, "just in case")
    assert verdict.passed and not verdict.overridden and verdict.override_reason == "just in case"


def test_the_table_has_a_row_a_check_with_failed_ones_first() -> None:
    verdict = decide(spoiled("size_mb", value=900.0), SETTINGS, EXPECTED)
    lines = as_markdown(verdict).splitlines()
    assert lines[0] == f"# Not blessed: 1 of {len(verdict.reasons)} checks failed: size"
    assert lines[4] == "| **NO** | size | 900 | 500 | exported model, MB |"
    assert len(lines) == 4 + len(verdict.reasons)
    assert as_markdown(decide(GOOD, SETTINGS, EXPECTED)).startswith("# Blessed: all ")
