"""Not proven, the third answer: too few trips to decide. And what no setting of the gate can bless."""

import pytest

from components.artifacts.verdict import Override
from components.gate.decide import as_markdown, decide
from components.gate.lead import NO_LEAD
from tests.components.gate.evaluation import EVEN, EXPECTED, SETTINGS, read, spoiled
from tfx_configs import recipes
from tfx_configs.settings import GateSettings

OVERRIDE = Override(by="maria", at="2017-12-31T09:00:00Z", reason="campaign starts tonight, lead is likely")


def test_certainly_worse_than_a_baseline_is_a_no_whatever_the_settings_allow() -> None:
    """As on a small shop: ndcg@10 4.3 percent below popularity, and the whole interval below zero."""
    loose = GateSettings(min_ratio_to_baseline=0.5, min_lead_low_percent=-50.0)
    below = {"delta_pct": -4.3, "low_pct": -7.9, "high_pct": -0.7}
    for name in ("popularity", "item_knn"):
        spoilt = spoiled("paired", name, "ndcg@10", value=below)
        verdict = decide(read(spoilt), loose, EXPECTED)
        assert [reason.check for reason in verdict.failed] == ["ndcg@10 not worse"]
        assert verdict.outcome == "not_blessed" and not verdict.blessed and not verdict.unproven
    touching = spoiled("paired", "popularity", "ndcg@10", value=below | {"high_pct": 0.0})
    assert decide(read(touching), loose, EXPECTED).blessed


def test_the_fast_recipe_loosens_nothing_of_what_a_candidate_must_show_against_others() -> None:
    fast, full = recipes.fast().gate, GateSettings()
    changed = {name for name in GateSettings.model_fields if getattr(fast, name) != getattr(full, name)}
    assert changed == {"max_calibration_error", "max_calibration_factor"}


def test_a_lead_that_more_trips_could_prove_is_not_proven_and_their_number_is_named() -> None:
    """5 percent, 95 % interval from -5: twice as precise takes four times the 200 trips."""
    open_lead = {"delta_pct": 5.0, "low_pct": -5.0, "high_pct": 15.0}
    verdict = decide(read(spoiled("paired", "personal_frequency", "ndcg@10", value=open_lead)), SETTINGS, EXPECTED)
    assert (verdict.blessed, verdict.passed, verdict.outcome) == (False, False, "not_proven")
    assert [(reason.check, reason.trips_needed) for reason in verdict.unproven] == [("ndcg@10 lead", 800)]
    assert verdict.failed == () and verdict.trips_needed == 800
    assert verdict.headline == (
        f"Not proven: 1 of {len(verdict.reasons)} checks are not proven: ndcg@10 lead; about 800 trips would prove it"
    )
    assert verdict.unproven[0].message.endswith("; 200 trips, about 800 would prove a lead of this size")
    table = as_markdown(verdict)
    assert "## Not proven" in table and "## Failed checks" not in table
    assert "| not proven | against the baselines | 5 of 6 |" in table


def test_a_lead_below_zero_that_could_be_chance_is_not_proven_and_no_number_of_trips_proves_it() -> None:
    """The candidate is behind the best baseline by less than chance; TFMA's threshold fails on the same trips."""
    behind = {"delta_pct": -2.0, "low_pct": -9.0, "high_pct": 5.0}
    metrics = spoiled("paired", "personal_frequency", "ndcg@10", value=behind)
    metrics["models"]["aisle"]["ndcg@10"] = 0.196
    metrics["blessed"] = None
    metrics["tfma"] |= {
        "verdict": False,
        "failures": [
            "ndcg@10 in all trips: change -0.02000, limit +0.00000",
            "ndcg@10 in all trips: value 0.19600, limit +0.20000",
        ],
    }
    verdict = decide(read(metrics), SETTINGS, EXPECTED)
    assert verdict.outcome == "not_proven" and verdict.trips_needed is None
    assert [reason.check for reason in verdict.unproven] == ["tfma", "ndcg@10", "ndcg@10 lead"]
    assert all(NO_LEAD in reason.message for reason in verdict.unproven if reason.check != "tfma")
    assert "would prove" not in verdict.headline


@pytest.mark.parametrize(
    ("stable", "line"),
    [
        (None, "ndcg@10 in shopper new: value 0.10000, limit +0.20000"),
        (None, "recall@10 in all trips: value 0.10000, limit +0.20000"),
        ("blessed", "ndcg@10 in all trips: change -0.05000, limit -0.02000"),
    ],
)
def test_a_threshold_of_tfma_that_is_about_more_than_the_open_lead_is_a_no(stable: str | None, line: str) -> None:
    metrics = spoiled("paired", "personal_frequency", "ndcg@10", value=EVEN | {"delta_pct": -1.0})
    metrics["models"]["aisle"]["ndcg@10"] = 0.199
    metrics["models"]["blessed"]["ndcg@10"] = 0.199
    metrics["blessed"] = stable
    metrics["tfma"] |= {"verdict": False, "failures": ["ndcg@10 in all trips: value 0.19900, limit +0.20000", line]}
    verdict = decide(read(metrics), SETTINGS, EXPECTED)
    assert [reason.check for reason in verdict.failed] == ["tfma"] and verdict.outcome == "not_blessed"


def test_one_certain_no_beside_an_open_lead_is_a_no() -> None:
    metrics = spoiled("paired", "personal_frequency", "recall@10", value=EVEN)
    verdict = decide(read(metrics | {"size_mb": 900.0}), SETTINGS, EXPECTED)
    assert verdict.outcome == "not_blessed"
    assert verdict.headline.endswith("checks failed: size; not proven: recall@10 lead")


def test_an_override_of_an_open_lead_is_an_override() -> None:
    verdict = decide(
        read(spoiled("paired", "personal_frequency", "recall@10", value=EVEN)), SETTINGS, EXPECTED, OVERRIDE
    )
    assert verdict.outcome == "overridden" and verdict.override is not None
    assert verdict.override.checks == ("recall@10 lead",)


def test_a_demanded_lead_that_the_observed_one_is_below_cannot_be_proven() -> None:
    lead = {"delta_pct": 2.0, "low_pct": 1.0, "high_pct": 3.0}
    asked = GateSettings(min_lead_low_percent=2.5)
    verdict = decide(read(spoiled("paired", "personal_frequency", "ndcg@10", value=lead)), asked, EXPECTED)
    assert verdict.unproven[0].message.endswith("; no number of trips proves that a lead of 2.0 % is above 2.5 %")
    beyond = spoiled("paired", "personal_frequency", "ndcg@10", value=lead | {"high_pct": 2.4})
    assert [reason.check for reason in decide(read(beyond), asked, EXPECTED).failed] == ["ndcg@10 lead"]


def test_a_model_that_lists_what_a_baseline_lists_has_no_lead() -> None:
    same = dict.fromkeys(("delta_pct", "low_pct", "high_pct"), 0.0)
    verdict = decide(read(spoiled("paired", "personal_frequency", "ndcg@10", value=same)), SETTINGS, EXPECTED)
    assert verdict.outcome == "not_proven" and verdict.unproven[0].message.endswith(NO_LEAD)
