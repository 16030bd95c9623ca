"""The card inside a model directory: what is known at export, and where the rest is."""

import dataclasses

from model.package.manifest import draft
from model.package.model_card import model_card
from tests.model.model_directory import CUT_S

FACTS = dataclasses.replace(
    draft(kind="aisle", cut_s=CUT_S, items=1200, retrieved=500, ranked=200, index={}, score_is_probability=True),
    libraries={"tensorflow": "2.21.0"},
)
TRAINING = {
    "train_trips": 5000,
    "curves": {"ranker": [{"loss": 0.6}, {"loss": 0.51234, "val_loss": 0.5, "parts": [0.6, 0.5]}]},
}


def test_a_card_at_export_has_the_facts_of_then_and_where_the_judgement_is() -> None:
    lines = model_card(FACTS, training=TRAINING).splitlines()
    assert lines[0] == "# Model card: aisle"
    assert [line[3:] for line in lines if line.startswith("## ")] == [
        "What it is for",
        "What it was made from",
        "How it was trained",
        "How it was judged",
        "Where it ends",
        "Made with",
    ]
    assert "- Events before 2017-12-04 (UTC), 1,200 products in the catalog." in lines
    assert "- 5,000 trips taught the ranker." in lines
    assert "- 500 neighbours from the towers a request, 200 candidates scored in all." in lines
    assert "- Losses of the ranker: loss 0.5123, val loss 0.5 after 2 epochs." in lines
    assert any("`cards/VERSION.md` in the model registry" in line for line in lines)


def test_the_card_of_a_baseline_has_no_training_and_promises_no_probability() -> None:
    baseline = dataclasses.replace(FACTS, kind="personal_frequency", score_is_probability=False)
    card = model_card(baseline, training=None)
    assert card.startswith("# Model card: personal frequency\n") and "How it was trained" not in card
    assert "A score is good for order only." in card
