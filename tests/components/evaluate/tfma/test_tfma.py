"""TFMA against numpy, and its verdict. One evaluation of 40 trips and four models is shared."""

import dataclasses
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.evaluation import Evaluation, Slice, missed
from components.artifacts.examples import Examples
from components.evaluate import metrics_report as report
from components.evaluate.predictions import lists
from components.evaluate.slices import slice_values
from components.evaluate.tfma import runner
from components.evaluate.tfma.cross_check import check_with_tfma, compare, thresholds
from components.evaluate.tfma.metrics import hits_of
from components.evaluate.tfma.runner import OVERALL, Outcome, Threshold, eval_config, run_tfma
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import load_task
from tests.components.beam import flink
from tests.components.evaluate.world import FunctionModel, frequency, latest, the_same, write_examples
from tests.needs import FLINK
from tfx_configs.beam import BeamSettings
from tfx_configs.evaluation import EvaluationSettings
from tfx_configs.settings import GateSettings

GATE = GateSettings(min_slice_trips=10, min_slice_ratio=0.5)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> report.Judged:
    examples: Path = write_examples(tmp_path_factory.mktemp("examples"))
    task = load_task(examples)
    answers = {
        "aisle": frequency,
        "popularity": the_same,
        "personal_frequency": latest,
        "blessed": lambda request: frequency(request)[::-1],
    }
    items = {
        name: lists(FunctionModel("1", answer), task.trips, task.trip_N).items_Nk for name, answer in answers.items()
    }
    slices = slice_values(task, Examples(examples).catalog(), pd.read_parquet(Examples(examples).items), top_values=3)
    return report.Judged.of(task, items, slices, {})


@pytest.fixture(scope="module")
def numbers(judged: report.Judged) -> Evaluation:
    return Evaluation(
        candidate="aisle",
        stable="blessed",
        baselines=("popularity", "personal_frequency"),
        models=report.overall(judged, active_items=80),
        slices=tuple(report.by_slice(judged, "aisle", EvaluationSettings(bootstrap_rounds=100))),
    )


def run(
    judged: report.Judged,
    out: Path,
    asked: list[Threshold],
    reference: str = "blessed",
    beam: BeamSettings = BeamSettings(),
) -> Outcome:
    return run_tfma(judged, out / "tfma", eval_config(judged, "aisle", reference, asked), beam)


EASY = Threshold(metric="ndcg@10", slice=OVERALL, at_least=0.01, ratio=0.5)
HARD = Threshold(metric="recall@10", slice=("shopper", "new"), at_least=0.99)


@pytest.fixture(scope="module")
def outcome(judged: report.Judged, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Of trips in files of seven, and with copies of them for the workers."""
    place = tmp_path_factory.mktemp("easy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "SHARD_TRIPS", 7)
        return run(judged, place, [EASY], beam=BeamSettings(work_dir=str(place)))


def test_tfma_and_numpy_agree_overall_and_in_every_slice(
    outcome: Outcome, judged: report.Judged, numbers: Evaluation
) -> None:
    for name, model in outcome.values[OVERALL].items():
        assert model == pytest.approx({k: v for k, v in numbers.models[name].items() if k in model}, abs=1e-6)
    new = next(row for row in numbers.slices if row.name == "shopper: new")
    assert outcome.values["shopper", "new"]["aisle"] == pytest.approx(new.models["aisle"], abs=1e-6)
    assert set(outcome.values[OVERALL]) == set(judged.items)
    result = compare(outcome, numbers, trips=40)
    assert result.counts_agree and result.example_count == 40
    assert result.max_difference is not None and result.max_difference < 1e-6


@pytest.mark.needs("java", FLINK)
def test_flink_gives_the_verdict_and_the_metrics_of_one_process(judged: report.Judged, tmp_path: Path) -> None:
    here, on_flink = (
        run(judged, tmp_path / name, [EASY, HARD], beam=beam)
        for name, beam in {"here": BeamSettings(), "flink": flink.embedded()}.items()
    )
    assert_same(on_flink, here)


@pytest.mark.needs("java", FLINK)
def test_flink_gives_them_with_two_task_managers_of_which_one_is_killed(judged: report.Judged, tmp_path: Path) -> None:
    here = run(judged, tmp_path / "here", [EASY, HARD])
    (tmp_path / "cluster").mkdir()
    with flink.standalone(tmp_path / "cluster", tmp_path, Path(sys.executable)) as cluster:

        def kill_one() -> None:
            while not cluster.running_tasks():
                time.sleep(0.2)
            cluster.task_managers[0].kill()

        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        on_flink = run(judged, tmp_path / "flink", [EASY, HARD], beam=cluster.beam)
        killer.join(timeout=1)
        assert cluster.task_managers[0].poll() is not None and cluster.failures()
    assert_same(on_flink, here)


def assert_same(outcome: Outcome, expected: Outcome) -> None:
    assert (outcome.verdict, outcome.failures, outcome.examples) == (False, expected.failures, expected.examples)
    assert len(expected.failures) == 1
    for key, models in expected.values.items():
        for name, metrics_of_model in models.items():
            assert outcome.values[key][name] == pytest.approx(metrics_of_model, abs=1e-6, nan_ok=True)


def test_thresholds_on_all_trips_are_not_applied_to_the_slices(outcome: Outcome) -> None:
    assert outcome.verdict is True and outcome.failures == []


def test_a_missed_value_a_missed_change_and_a_slice_that_is_not_there_are_all_a_no(
    judged: report.Judged, tmp_path: Path
) -> None:
    asked = [
        HARD,
        Threshold(metric="ndcg@10", slice=OVERALL, ratio=100.0),
        Threshold(metric="recall@20", slice=("shopper", "absent"), at_least=0.0),
    ]
    result = run(judged, tmp_path, asked)
    assert result.verdict is False
    assert sorted(line.split(":")[0] for line in result.failures) == [
        "ndcg@10 in all trips",
        "no trips for the threshold on shopper absent",
        "recall@10 in shopper new",
    ]


def test_without_thresholds_there_is_no_verdict(judged: report.Judged, tmp_path: Path) -> None:
    assert run(judged, tmp_path, []).verdict is None


def test_the_whole_check_accepts_a_model_that_wins_and_refuses_one_that_loses(
    judged: report.Judged, numbers: Evaluation, tmp_path: Path
) -> None:
    wins = check_with_tfma(judged, numbers, GATE, tmp_path / "wins")
    assert wins.verdict is True and wins.counts_agree
    assert wins.max_difference is not None and wins.max_difference < 1e-6
    others = {"candidate": "popularity", "stable": None, "baselines": ("aisle", "personal_frequency", "blessed")}
    loses = check_with_tfma(judged, numbers.model_copy(update=others), GATE, tmp_path / "loses")
    assert loses.verdict is False and loses.failures is not None
    # The gate recognises the thresholds on all trips by how their lines begin.
    begins = [missed("recall@10", "value"), missed("ndcg@10", "value"), missed("ndcg@10", "change")]
    assert all(any(line.startswith(begin) for line in loses.failures) for begin in begins)
    elsewhere = [line for line in loses.failures if not line.startswith(tuple(begins))]
    assert all(" in all trips: " not in line for line in elsewhere)


def test_bounds_come_from_the_best_baseline_and_the_stable_model() -> None:
    def row(slicing: str, trips: int) -> Slice:
        models = {"a": {"ndcg@10": 0.2}, "b": {"ndcg@10": 0.3}, "old": {"ndcg@10": 0.0}}
        return Slice(slice=slicing, value="x", trips=trips, models=models)

    models = {name: {"ndcg@10": n, "recall@10": r} for name, n, r in (("a", 0.2, 0.5), ("b", 0.4, 0.1), ("old", 1, 1))}
    slices = (row("big", 10), row("small", 9))
    result = thresholds(Evaluation(models=models, slices=slices, baselines=("a", "b"), stable="old"), GATE)
    assert [(t.metric, t.slice, t.ratio) for t in result] == [
        ("recall@10", OVERALL, None),
        ("ndcg@10", OVERALL, 0.98),
        ("ndcg@10", ("big", "x"), None),  # the stable model has no hit there: no ratio to ask for
    ]
    assert [t.at_least for t in result] == pytest.approx([0.5, 0.4, 0.15])


def test_a_slice_that_tfma_lacks_or_counts_differently_is_noticed() -> None:
    numbers = Evaluation(models={"a": {"ndcg@10": 0.5}})
    values = {OVERALL: {"a": {"ndcg@10": 0.5}}}
    agreed = Outcome(verdict=True, failures=[], examples={OVERALL: 3}, values=values)
    assert compare(agreed, numbers, trips=3).counts_agree
    assert not compare(agreed, numbers, trips=4).counts_agree
    assert compare(dataclasses.replace(agreed, values={}), numbers, trips=3).max_difference is None


def test_an_undefined_value_agrees_only_with_an_undefined_value() -> None:
    numbers = Evaluation(models={"a": {"ndcg@10": None}})
    nan = Outcome(verdict=True, failures=[], examples={OVERALL: 1}, values={OVERALL: {"a": {"ndcg@10": float("nan")}}})
    assert compare(nan, numbers, trips=1).max_difference == 0.0
    defined = dataclasses.replace(nan, values={OVERALL: {"a": {"ndcg@10": 0.1}}})
    assert compare(defined, numbers, trips=1).max_difference is None


def test_a_trip_reads_back_from_its_vectors() -> None:
    # List: place 1 new and bought, place 2 not bought, place 3 repeated; one bought item is not in the list.
    label = np.array([0.0, 1.0, 2.0, 2.0, 0.0])
    prediction = np.array([19.0, 20.0, 18.0, 0.0, 0.0])
    information = np.array([1.0, 2.0, 3.0, 4.0, 0.0])
    result = hits_of(label, prediction, information)
    assert result.hit_TK.tolist() == [[True, False, True]] and result.new_hit_TK.tolist() == [[True, False, False]]
    assert result.basket_T.tolist() == [3] and result.new_T.tolist() == [1]
    assert metrics.novelty(result, 2).tolist() == [1.5] and metrics.novelty(result, 10).tolist() == [2.0]
    nothing = hits_of(label, np.zeros(5), information)
    assert metrics.recall(nothing, 10).tolist() == [0.0] and np.isnan(metrics.novelty(nothing, 10)).all()
