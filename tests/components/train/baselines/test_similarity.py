"""The baselines of the whole catalog against the benchmark's peers of the same name. The peers score without the graph;
which items go together is learned by the same code (components/train/baselines/item_similarity.py)."""

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.base import Peer
from benchmarks.peers.factors import Ease, ImplicitAls
from benchmarks.peers.neighbours import ItemKnn, TifuKnn, UpCf
from components.evaluate.predictions import request_of
from components.evaluate.run import evaluate_models
from components.gate.run import judge_candidate
from components.train.baselines import similarity as learn
from components.train.baselines.similarity import NEIGHBOUR_BASELINES, Past, knows_shoppers
from model.api import Answer
from model.baselines.whole_catalog import CatalogScorer
from model.data.batch import TripReader
from model.errors import CheckFailed
from model.files import read_json
from model.registry.model_registry import Registry
from tests.components.train.conftest import EVERY_GATE, Exported, Trained, loaded, with_baselines

PEERS = {
    "item_knn": ItemKnn(shrink=800.0),
    "ease": Ease(),
    "ials": ImplicitAls(factors=128, regularization=10.0, alpha=1.0),
    "up_cf": UpCf(asymmetry=0.5),
    "tifu_knn": TifuKnn(),
}
"""With the settings of the baselines."""
K = 40
"""All of the market's items."""


def liked(answer: Answer) -> dict[str, float]:
    """{item: score}, without what only fills the list."""
    scored = dict(zip(answer.item_ids, answer.scores, strict=True))
    return {item: score for item, score in scored.items() if score > 0}


@pytest.mark.parametrize("name", PEERS)
def test_an_exported_baseline_answers_as_its_peer_does(name: str, trained: Trained, baselines: Exported) -> None:
    trips = trained.trips
    requests = [request_of(trips, int(trip), K) for trip in trips.first_test_trips()]
    answers = loaded(baselines.directory / name).recommend(requests)
    theirs = PEERS[name].fit(trips).recommend(requests)
    assert len(answers) == len(theirs) == 64
    for one, other in zip(answers, theirs, strict=True):
        assert liked(one) == pytest.approx(liked(other), rel=1e-4, abs=1e-6)
        assert one.scores == sorted(one.scores, reverse=True)
        assert set(one.item_ids) == set(other.item_ids)


@pytest.mark.parametrize(
    ("make", "peer"),
    [
        (partial(learn.item_knn, neighbours=5, shrink=2.0, own=False), ItemKnn(neighbours=5, shrink=2.0, own=False)),
        (partial(learn.ease, l2=5.0, head=20), Ease(l2=5.0, head=20)),
        (partial(learn.ials, factors=4, alpha=3.0), ImplicitAls(factors=4, alpha=3.0, regularization=10.0)),
        (partial(learn.up_cf, recent=3, locality=2.0, asymmetry=0.3), UpCf(recent=3, locality=2.0, asymmetry=0.3)),
        (partial(learn.tifu_knn, groups=4, neighbours=9, share=0.4), TifuKnn(groups=4, neighbours=9, share=0.4)),
    ],
)
def test_other_settings_mean_the_same_to_both(make: partial[CatalogScorer], peer: Peer, trained: Trained) -> None:
    trips = trained.trips
    which, catalog = trips.first_test_trips(), knows_shoppers(trained.catalog.as_served(), trips)
    scores = make(Past.of(trips, trained.run))(TripReader(trips, catalog).batch(which)).numpy()
    theirs = peer.fit(trips).recommend([request_of(trips, int(trip), K) for trip in which])
    for row, other in zip(scores, theirs, strict=True):
        ours = {str(trips.item_ids[item]): float(row[item]) for item in np.flatnonzero(row > 0)}
        assert ours == pytest.approx(liked(other), rel=1e-3, abs=1e-6)


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
    assert set(metrics["baselines"]) == {"popularity", "personal_frequency", *PEERS}
    assert metrics["models"]["tifu_knn"]["ndcg@10"] > 2 * metrics["models"]["popularity"]["ndcg@10"]
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
