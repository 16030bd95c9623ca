"""The gate's truth table: one good evaluation is blessed; spoiling any one thing of it is a no with that reason."""

from typing import Any

import pytest

from components.artifacts.verdict import Override
from components.gate.decide import MIN_REASON, as_markdown, decide, refusal
from tests.components.gate.evaluation import EVEN, EXPECTED, GOOD, MODELS, SETTINGS, read, spoiled
from tfx_configs.evaluation import BASELINES
from tfx_configs.settings import GateSettings

OVERRIDE = Override(by="maria", at="2017-12-31T09:00:00Z", reason="campaign starts tonight, size is known")
WORSE = {"delta_pct": -9.0, "low_pct": -12.0, "high_pct": -5.1}


def failed(metrics: dict[str, Any], settings: GateSettings = SETTINGS) -> list[str]:
    verdict = decide(read(metrics), settings, EXPECTED)
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
        (("models", "aisle", "calibration_error@10"), 0.031, "calibration error"),
        (("models", "aisle", "calibration_ratio@10"), 1.26, "calibration ratio"),
        (("models", "aisle", "calibration_ratio@10"), 0.79, "calibration ratio"),
        (("paired", "personal_frequency", "ndcg@10", "low_pct"), -0.1, "ndcg@10 lead"),
        (("paired", "personal_frequency", "recall@10", "low_pct"), -0.1, "recall@10 lead"),
        (("models", "blessed", "ndcg@10"), 0.22, "ndcg@10 of the stable model"),
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


def test_a_lead_that_could_be_chance_is_not_enough_and_only_the_best_baseline_counts() -> None:
    assert failed(spoiled("paired", "personal_frequency", "recall@10", value=EVEN)) == ["recall@10 lead"]
    assert failed(spoiled("paired", "popularity", "recall@10", value=EVEN)) == []


@pytest.mark.parametrize("rival", ["personal_frequency", "blessed"])
def test_a_slice_fails_when_its_whole_interval_lies_beyond_the_allowed_loss(rival: str) -> None:
    assert failed(spoiled("slices", 1, "paired", rival, "ndcg@10", value=WORSE)) == ["shopper two"]
    assert failed(spoiled("slices", 1, "paired", rival, "ndcg@10", value=WORSE | {"high_pct": -4.9})) == []
    assert failed(spoiled("slices", 1, "paired", "popularity", "ndcg@10", value=WORSE)) == []


def test_a_gross_loss_in_a_slice_is_refused_regardless_of_its_interval() -> None:
    worse = MODELS | {"aisle": {"ndcg@10": 0.159}}
    assert failed(spoiled("slices", 1, "models", value=worse)) == ["shopper two"]
    assert failed(spoiled("slices", 1, "models", value=MODELS | {"aisle": {"ndcg@10": 0.169}})) == []
    better_before = MODELS | {"blessed": {"ndcg@10": 0.30}}
    assert failed(spoiled("slices", 0, "models", value=better_before)) == ["shopper one"]


def test_a_baseline_that_is_best_in_one_slice_alone_is_no_rival_there() -> None:
    specialist = spoiled("slices", 1, "models", value=MODELS | {"popular_unseen": {"ndcg@10": 0.9}})
    specialist["slices"][1]["paired"]["popular_unseen"]["ndcg@10"] = WORSE
    assert failed(specialist) == []
    best = spoiled("slices", 1, "models", value=MODELS | {"personal_frequency": {"ndcg@10": 0.9}})
    assert failed(best) == ["shopper two"]


def test_a_slice_of_few_trips_is_not_judged() -> None:
    metrics = spoiled("slices", 1, "paired", "blessed", "ndcg@10", value=WORSE)
    assert failed(metrics, GateSettings(min_slice_trips=101)) == []


def test_where_the_rival_never_hits_there_is_no_interval_to_ask_for() -> None:
    nothing = dict.fromkeys(("delta_pct", "low_pct", "high_pct"))
    metrics = spoiled("slices", 1, "models", value=MODELS | {"blessed": {"ndcg@10": 0.0}})
    metrics["slices"][1]["paired"]["blessed"]["ndcg@10"] = nothing
    assert failed(metrics) == []
    metrics["slices"][1]["paired"]["personal_frequency"]["ndcg@10"] = nothing
    assert failed(metrics) == ["no slice regression"]


@pytest.mark.parametrize("slicing", ["shopper", "activity", "basket", "errand"])
def test_a_slicing_that_every_data_has_may_not_be_missing(slicing: str) -> None:
    metrics = spoiled("slices", value=[row for row in GOOD["slices"] if row["slice"] != slicing])
    assert failed(metrics) == [f"slices by {slicing}"]


def test_a_slicing_that_lost_one_of_its_slices_is_a_no() -> None:
    assert failed(spoiled("slices", 9, value=...)) == ["slices by store"]


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
        (("slices",), "slices by shopper"),
        (("slices", 0, "models"), "no slice regression"),
        (("slices", 0, "paired"), "no slice regression"),
        (("slices", 0, "paired", "blessed"), "no slice regression"),
        (("paired",), "beats baseline"),
        (("paired", "personal_frequency", "ndcg@10"), "beats baseline"),
        (("models", "aisle", "calibration_error@10"), "calibration"),
        (("models", "aisle", "calibration_ratio@10"), "calibration"),
        (("models", "aisle", "coverage@10"), "coverage"),
        (("latency",), "latency"),
        (("size_mb",), "size"),
        (("candidate",), "beats baseline"),
    ],
)
def test_anything_missing_is_refused(path: tuple[str | int, ...], check: str) -> None:
    assert check in failed(spoiled(*path, value=...))


@pytest.mark.parametrize("wrong", [None, float("nan"), float("inf"), True, "0.2", [0.2]])
@pytest.mark.parametrize("model", ["aisle", "popularity", "blessed"])
def test_what_is_not_a_number_is_a_no(wrong: Any, model: str) -> None:
    assert failed(spoiled("models", model, "ndcg@10", value=wrong))


@pytest.mark.parametrize("metrics", [{}, {"slices": 3}, {"candidate": ["aisle"], "models": []}, GOOD | {"slices": [1]}])
def test_a_broken_evaluation_is_a_no_and_not_an_error(metrics: dict[str, Any]) -> None:
    assert failed(metrics)


def test_no_slices_at_all_is_a_no() -> None:
    assert failed(spoiled("slices", value=[])) == [
        f"slices by {name}" for name in ("shopper", "activity", "basket", "errand")
    ]


@pytest.mark.parametrize("names", [[], ["popularity"], ["personal_frequency"]])
def test_an_evaluation_without_both_baselines_is_a_no(names: list[str]) -> None:
    assert "beats baseline" in failed(spoiled("baselines", value=names))


def test_an_evaluation_without_a_baseline_that_the_settings_name_is_a_no() -> None:
    assert "beats baseline" in failed(GOOD, GateSettings(baselines=(*BASELINES, "logistic")))


@pytest.mark.parametrize("wrong", [None, float("nan"), "0.2"])
@pytest.mark.parametrize("end", ["delta_pct", "low_pct", "high_pct"])
def test_an_interval_that_is_not_one_is_a_no(wrong: Any, end: str) -> None:
    assert failed(spoiled("paired", "personal_frequency", "ndcg@10", end, value=wrong)) == ["beats baseline"]
    assert failed(spoiled("slices", 3, "paired", "blessed", "ndcg@10", end, value=wrong)) == ["no slice regression"]


def test_a_candidate_whose_score_is_no_probability_is_not_blessed() -> None:
    assert failed(spoiled("models", "aisle", "calibration_error@10", value=None)) == ["calibration"]


def test_an_override_blesses_and_keeps_what_failed_in_plain_sight() -> None:
    verdict = decide(read(spoiled("size_mb", value=900.0)), SETTINGS, EXPECTED, OVERRIDE)
    assert verdict.blessed and verdict.overridden and not verdict.passed
    assert verdict.headline == (
        "BLESSED BY OVERRIDE of maria at 2017-12-31T09:00:00Z: campaign starts tonight, size is known; "
        "these checks failed: size"
    )
    assert verdict.override == OVERRIDE.model_copy(update={"checks": ("size",)})


def test_an_override_that_was_not_needed_reports_it() -> None:
    verdict = decide(read(GOOD), SETTINGS, EXPECTED, OVERRIDE)
    assert verdict.passed and not verdict.overridden and verdict.headline.startswith("Blessed: all")
    assert verdict.override == OVERRIDE


@pytest.mark.parametrize("reason", ["", "   ", "ok", " x" * 9, "y" * (MIN_REASON - 1) + "  "])
def test_a_blank_or_short_reason_is_refused_in_one_line(reason: str) -> None:
    refused = refusal(reason, "maria")
    assert refused.startswith(f"override: expected a reason of at least {MIN_REASON} characters, got ")
    assert "\n" not in refused


def test_an_override_without_a_name_is_refused_and_a_named_one_with_a_reason_is_taken() -> None:
    assert refusal("y" * MIN_REASON, " ") == "override: expected the name of who decides, got none; give your name"
    assert refusal("y" * MIN_REASON, "maria") == ""


def test_the_table_lists_each_kind_of_check_in_a_line_and_what_failed_before_the_rest() -> None:
    verdict = decide(read(spoiled("size_mb", value=900.0)), SETTINGS, EXPECTED)
    lines = as_markdown(verdict).splitlines()
    assert lines[0] == f"# Not blessed: 1 of {len(verdict.reasons)} checks failed: size"
    assert lines[2:12] == [
        "| | checks | passed |",
        "|---|---|---|",
        "| yes | the evaluation itself | 10 of 10 |",
        "| yes | TFMA's verdict | 1 of 1 |",
        "| yes | against the baselines | 6 of 6 |",
        "| yes | against the stable model | 1 of 1 |",
        "| yes | slice by slice | 10 of 10 |",
        "| yes | what is listed | 3 of 3 |",
        "| **NO** | what it costs | 1 of 2 |",
        "",
    ]
    row = "| **NO** | size | 900 | 500 | exported model, MB |"
    assert lines[12] == "## Failed checks" and lines[16] == row and lines.count(row) == 2
    assert all(sum(f"| {reason.check} |" in line for line in lines) >= 1 for reason in verdict.reasons)
    assert "Failed checks" not in as_markdown(decide(read(GOOD), SETTINGS, EXPECTED))
