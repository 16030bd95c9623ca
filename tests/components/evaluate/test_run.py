"""The evaluate stage on directories, with models that are functions: the content of metrics.json."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.artifacts.evaluation import Evaluation
from components.artifacts.trip_values import TripValues
from components.evaluate.run import evaluate_models
from components.gate.checks import Expected
from components.gate.decide import decide
from model.errors import InputError
from model.evaluation.next_basket_task import load_task
from model.evaluation.ranking_metrics import PER_TRIP
from model.files import read_json
from tests.components.evaluate.world import FunctionModel, frequency, latest, the_same, write_examples
from tfx_configs.evaluation import BASELINES, EvaluationSettings
from tfx_configs.settings import GateSettings

GATE = GateSettings(
    baselines=BASELINES,
    min_slice_trips=10,
    min_slice_ratio=0.5,
    min_lead_low_percent=-50,
    max_calibration_error=1,
    max_calibration_factor=9,
)
PLAN = EvaluationSettings(bootstrap_rounds=100, latency_requests=5)
ANSWERS = {"aisle": frequency, "popularity": the_same, "personal_frequency": latest, "blessed": frequency}


def load(directory: Path) -> FunctionModel:
    """Replaces model.package.loaded_model.load: the directory's name names the function."""
    name = directory.name
    return FunctionModel(f"{name}-1", ANSWERS[name], score_is_probability=name == "aisle", score=0.25)


def evaluate(root: Path, out: Path) -> Evaluation:
    """Every model of ANSWERS in `root`, by the function of its name."""
    return evaluate_models(
        examples=root / "examples",
        candidate=root / "aisle",
        baselines=root / "baselines",
        stable=root / "blessed",
        out=out,
        gate=GATE,
        plan=PLAN,
        code_version="c1",
        load=load,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run")
    write_examples(root / "examples")
    for name in ("aisle", "blessed", "baselines/popularity", "baselines/personal_frequency"):
        (root / name).mkdir(parents=True)
        (root / name / "weights").write_bytes(b"x" * 500_000)
    evaluate(root, root / "out")
    return root


@pytest.fixture(scope="module")
def measured(place: Path) -> dict[str, Any]:
    return read_json(place / "out" / "metrics.json")


def test_every_model_has_every_metric(measured: dict[str, Any]) -> None:
    names = {"recall@10", "ndcg@10", "phr@10", "recall@20", "ndcg@20"}
    names |= {"explore_recall@10", "repeat_recall@10", "coverage@10", "novelty@10"}
    names |= {"calibration_error@10", "calibration_ratio@10"}
    assert set(measured["models"]) == set(ANSWERS)
    assert all(set(model) == names for model in measured["models"].values())
    assert measured["models"]["popularity"]["coverage@10"] == pytest.approx(10 / measured["active_items"])


def test_the_means_are_those_of_the_values_by_trip_which_have_no_id(place: Path, measured: dict[str, Any]) -> None:
    values = TripValues.load(place / "out")
    assert set(values.models) == set(ANSWERS) and all(set(of) == set(PER_TRIP) for of in values.models.values())
    for row in measured["slices"]:
        assert values.within(row["slice"], row["value"]).sum() == row["trips"]
    for model, of in values.models.items():
        assert {len(value_N) for value_N in of.values()} == {measured["trips"]}
        assert np.nanmean(of["ndcg@10"]) == pytest.approx(measured["models"][model]["ndcg@10"])


def test_the_same_lists_have_the_same_metrics_and_no_paired_difference(measured: dict[str, Any]) -> None:
    aisle, blessed = (measured["models"][name] for name in ("aisle", "blessed"))
    assert aisle == blessed | {name: value for name, value in aisle.items() if name.startswith("calibration")}
    assert measured["paired"]["blessed"]["ndcg@10"] == {"delta_pct": 0.0, "low_pct": 0.0, "high_pct": 0.0}
    assert measured["paired"]["popularity"]["recall@10"]["low_pct"] > 0


def test_only_a_score_that_is_a_probability_has_a_calibration(measured: dict[str, Any]) -> None:
    names = {name for name, model in measured["models"].items() if model["calibration_error@10"] is not None}
    assert names == {"aisle"}
    curve = measured["reliability"]
    listed = sum(bucket["size"] for bucket in curve)
    bought = sum(bucket["size"] * bucket["bought"] for bucket in curve)
    assert all(bucket["expected"] == 0.25 for bucket in curve) and listed > 100
    assert measured["models"]["aisle"]["calibration_ratio@10"] == pytest.approx(0.25 * listed / bought)


def test_every_slice_has_the_candidates_interval_against_every_other_model(measured: dict[str, Any]) -> None:
    for row in measured["slices"]:
        assert set(row["paired"]) == {"popularity", "personal_frequency", "blessed"}
        assert row["paired"]["blessed"]["ndcg@10"]["high_pct"] in (0.0, None)


def test_each_slicing_adds_up_to_all_trips(measured: dict[str, Any]) -> None:
    totals: dict[str, int] = {}
    for row in measured["slices"]:
        totals[row["slice"]] = totals.get(row["slice"], 0) + row["trips"]
    assert set(totals) == {
        "shopper",
        "activity",
        "basket",
        "errand",
        "week",
        "store",
        "department",
        "demographics_missing",
    }
    assert set(totals.values()) == {measured["trips"]} == {40}


def test_the_candidate_is_weighed_and_timed(measured: dict[str, Any]) -> None:
    assert measured["size_mb"] == 0.5 and measured["latency"]["p50_ms"] > 0
    assert measured["versions"]["aisle"] == "aisle-1" and measured["code_version"] == "c1"


def test_tfma_leaves_its_own_output_and_agrees(place: Path, measured: dict[str, Any]) -> None:
    assert (place / "out" / "tfma" / "eval_config.json").is_file()
    assert measured["tfma"]["example_count"] == 40 and measured["tfma"]["counts_agree"]
    assert measured["tfma"]["max_difference"] < 1e-6 and measured["tfma"]["verdict"] is True


def test_the_gate_can_bless_it_and_only_for_these_examples(place: Path) -> None:
    task = load_task(place / "examples")
    expected = Expected(digest=task.digest, trips=len(task.trip_N))
    evaluation = Evaluation.load(place / "out")
    assert decide(evaluation, GATE, expected).blessed
    assert not decide(evaluation, GATE, Expected(digest="other", trips=40)).blessed


def test_without_a_baseline_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    (tmp_path / "baselines").mkdir()
    with pytest.raises(InputError, match="expected at least one baseline in"):
        evaluate(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_read_is_what_was_written(place: Path, measured: dict[str, Any], tmp_path: Path) -> None:
    Evaluation.load(place / "out").save(tmp_path)
    assert read_json(tmp_path / "metrics.json") == measured


def test_every_mean_lies_in_its_own_interval(measured: dict[str, Any]) -> None:
    for name, of_model in measured["intervals"].items():
        for metric, span in of_model.items():
            assert span["low"] <= measured["models"][name][metric] <= span["high"]
    assert set(measured["intervals"]) == set(ANSWERS)
