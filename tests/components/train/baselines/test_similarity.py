"""The baselines of the whole catalog: hand-computed scores on a world of a few purchases, and exported models."""

import dataclasses
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import request_of
from components.evaluate.run import evaluate_models
from components.gate.run import judge_candidate
from components.train.baselines import similarity as learn
from components.train.baselines.similarity import NEIGHBOUR_BASELINES
from components.train.past import Past
from model.api import Answer
from model.baselines.whole_catalog import CatalogScorer
from model.data.batch import Batch, TripReader
from model.errors import CheckFailed
from model.files import read_json
from model.registry.model_registry import Registry
from tests.components.train.conftest import EVERY_GATE, Exported, Trained, loaded, with_baselines
from tests.pencil_world import CUT_DAY, WORLD
from tests.worlds import seconds
from tfx_configs.settings import RunSettings

K = 40
"""All of the market's items."""


def liked(answer: Answer) -> dict[str, float]:
    """{item: score}, without what only fills the list."""
    scored = dict(zip(answer.item_ids, answer.scores, strict=True))
    return {item: score for item, score in scored.items() if score > 0}


@pytest.mark.parametrize("name", NEIGHBOUR_BASELINES)
def test_an_exported_baseline_answers_with_the_scores_that_were_learned(
    name: str, trained: Trained, baselines: Exported
) -> None:
    trips = trained.trips
    which, catalog = trips.first_test_trips(), trained.catalog.as_served()
    scores = NEIGHBOUR_BASELINES[name](Past.of(trips, trained.run))(TripReader(trips, catalog).batch(which))
    answers = loaded(baselines.directory / name).recommend([request_of(trips, int(trip), K) for trip in which])
    assert len(answers) == len(scores) == 64
    for row, answer in zip(scores, answers, strict=True):
        expected = {str(trips.item_ids[item]): float(row[item]) for item in np.flatnonzero(row > 0)}
        assert liked(answer) == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert answer.scores == sorted(answer.scores, reverse=True)
        assert len(set(answer.item_ids)) == len(answer.item_ids) == K


def scored(make: Callable[[Past], CatalogScorer], *bought: tuple[str, float], user: str = "?") -> dict[str, float]:
    """{item: score above 0} of the hand-computed world for a shopper who asks on the day of the cut."""
    column = {item: i for i, item in enumerate(WORLD.item_ids.tolist())}
    index = np.flatnonzero(WORLD.user_ids == user)
    asked = Batch(
        history_item_H=np.array([column[item] for item, _ in bought], np.int32),
        history_time_H=np.array([seconds(day) for _, day in bought]),
        history_row_H=np.zeros(len(bought), np.int32),
        time_B=np.array([seconds(CUT_DAY)]),
        store_B=np.zeros(1, np.int32),
        user_BD=np.zeros((1, 0), np.int32),
        user_B=np.array([1 + index[0] if len(index) else 0], np.int32),
    )
    row = make(Past.of(WORLD, RunSettings()))(asked)[0]
    return {item: float(row[i]) for item, i in column.items() if row[i] > 0}


def test_item_knn_is_the_cosine_over_baskets() -> None:
    """a is in four baskets, b in two, c in one; two hold a and b: 2 / sqrt(8). One holds a and c: 1 / 2."""
    make = partial(learn.item_knn, shrink=0, own=False)
    assert scored(make, ("a", 1)) == pytest.approx({"b": 2 / 8**0.5, "c": 0.5})
    assert scored(make, ("b", 1), ("c", 1)) == pytest.approx({"a": 2 / 8**0.5 + 0.5})


def test_item_knn_keeps_the_nearest_and_shrinks_rare_pairs() -> None:
    assert scored(partial(learn.item_knn, neighbours=1, shrink=0, own=True), ("a", 1)) == {"a": 1}
    shrunk = scored(partial(learn.item_knn, neighbours=1, shrink=2, own=False), ("a", 1))
    assert shrunk == pytest.approx({"b": 2 / (8**0.5 + 2)})


def test_up_cf_weighs_neighbours_by_the_overlap_of_what_they_bought() -> None:
    """The asker has {a, c}. u: {a, b, c}, overlap 2 / sqrt(6); v: {a, b}, 1 / 2; w: {a}, 1 / sqrt(2).

    b is in half of u's baskets and in all of v's.
    """
    u, v, w = 2 / 6**0.5, 0.5, 1 / 2**0.5
    scores = scored(partial(learn.up_cf, recent=100, locality=1, asymmetry=0.5), ("a", 1), ("c", 2))
    assert scores == pytest.approx({"a": 0.5 + u + v + w, "c": 0.5 + u / 2, "b": u / 2 + v})


def test_up_cf_counts_recent_baskets_and_near_neighbours_only() -> None:
    """u's last basket is {a, c}; to the third power, the overlaps of u, v and w are those of the test above."""
    u, v, w = (2 / 6**0.5) ** 3, 0.5**3, 0.5**1.5
    scores = scored(partial(learn.up_cf, recent=1, locality=3, asymmetry=0.5), ("a", 1), ("c", 2))
    assert scores == pytest.approx({"c": 1 + u, "a": u + v + w, "b": v})


def test_up_cf_takes_no_shopper_as_their_own_neighbour() -> None:
    make = partial(learn.up_cf, recent=100, locality=1, asymmetry=0.5)
    history = [("a", 10), ("b", 10), ("a", 98), ("c", 98)]
    assert scored(make, *history, user="u")["c"] == pytest.approx(0.5)
    assert scored(make, *history, user="?")["c"] == pytest.approx(0.5 + 0.5)


def test_tifu_decays_within_and_between_groups() -> None:
    """Trips x1 x2 x3 in two groups: (x1) and (x2 x3). Within 0.5, between 0.8:
    group 1: x1; group 2: (0.5 x2 + x3) / 2; shopper: (0.8 x1 + (0.5 x2 + x3) / 2) / 2.
    """
    make = partial(learn.tifu_knn, groups=2, within=0.5, between=0.8, neighbours=1, share=1.0)
    assert scored(make, ("a", 1), ("b", 2), ("c", 3)) == pytest.approx({"a": 0.4, "c": 0.25, "b": 0.125})


def test_tifu_mixes_in_the_nearest_shoppers() -> None:
    """Without decay in one group: u is a + b/2 + c/2, v is a + b, w is a; the asker's a is nearest to w, then to u."""
    make = partial(learn.tifu_knn, groups=1, within=1.0, neighbours=2, share=0.6)
    assert scored(make, ("a", 1)) == pytest.approx({"a": 1.0, "b": 0.4 * 0.25, "c": 0.4 * 0.25})


def test_ease_is_its_closed_form() -> None:
    """u has {a, b, c}, v {a, b}, w {a}. Of a and b: X'X + 1 = [[4, 2], [2, 3]], its inverse [[3, -2], [-2, 4]] / 8,
    so B_ab = -P_ab / P_bb = 1/2 and B_ba = -P_ba / P_aa = 2/3; c is outside the head.
    """
    make = partial(learn.ease, l2=1.0, head=2)
    assert scored(make, ("a", 1)) == pytest.approx({"b": 1 / 2})
    assert scored(make, ("b", 1), ("c", 1)) == pytest.approx({"a": 2 / 3})


def test_ials_with_one_factor_solves_the_asking_shopper_by_the_formula() -> None:
    """x = sum c y / (reg + sum y^2 + sum (c - 1) y^2), c = alpha n of bought items, the middle sum over all items."""
    make = partial(learn.ials, factors=1, regularization=0.5, alpha=2.0, iterations=3)
    y = dict(zip(WORLD.item_ids, make(Past.of(WORLD, RunSettings())).factor_If[:, 0].tolist(), strict=True))
    square = 0.5 + sum(value**2 for value in y.values())
    x = y["a"] * 2 / (square + (2 - 1) * y["a"] ** 2)
    assert x * y["b"] == pytest.approx(scored(make, ("a", 1))["b"], rel=1e-3)


def test_they_are_evaluated_beside_the_candidate_which_has_to_beat_them(
    trained: Trained, baselines: Exported, tmp_path: Path
) -> None:
    run = with_baselines(trained.run, *NEIGHBOUR_BASELINES)
    evaluation, asked = tmp_path / "evaluation", tmp_path / "baselines"
    for name in (*EVERY_GATE, *NEIGHBOUR_BASELINES):
        shutil.copytree(baselines.directory / name, asked / name)
    evaluate_models(
        examples=trained.examples, candidate=trained.model, baselines=asked, stable=None, out=evaluation, gate=run.gate
    )
    metrics = read_json(evaluation / "metrics.json")
    assert set(metrics["baselines"]) == {"popularity", "personal_frequency", *NEIGHBOUR_BASELINES}
    assert metrics["models"]["ials"]["ndcg@10"] > 2 * metrics["models"]["popularity"]["ndcg@10"]
    verdict, table = tmp_path / "verdict.json", tmp_path / "table.md"
    judge_candidate(
        settings=run.gate, examples=trained.examples, evaluation=evaluation, verdict_file=verdict, table_file=table
    )
    reasons = {reason["check"]: reason["message"] for reason in read_json(verdict)["reasons"]}
    best = max(metrics["baselines"], key=lambda name: metrics["models"][name]["ndcg@10"])
    assert f"over {best}" in reasons["ndcg@10 lead"]


def test_one_of_them_can_be_the_first_stable_model(baselines: Exported, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    state = registry.set_stable(registry.add(baselines.directory / "item_knn"))
    assert loaded(registry.path(str(state.stable))).manifest.kind == "item_knn"
    assert registry.trained_stable() == ""


def test_without_purchases_before_the_cut_there_is_nothing_to_learn(trained: Trained) -> None:
    with pytest.raises(CheckFailed, match="expected purchases before the cut"):
        Past.of(dataclasses.replace(trained.trips, cut_s=0), trained.run)
