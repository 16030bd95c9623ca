"""The exported baselines against the benchmark's peers of the same name, which share no code with them."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.base import Peer
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import Logistic as LogisticPeer
from components.evaluate.predictions import recommend_all, request_of
from components.train.baselines.export import baseline, export_baselines
from model.baselines.frequency import Logistic
from model.data.batch import Batch, TripReader
from model.data.catalog import Catalog
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from model.networks.recommender import Recommender, Recommends
from model.package import loaded_model as package
from model.system.legacy_keras import tf
from tests.components.train.conftest import Trained

EVERY = 40
"""All of the market's items."""
LIFE = 30.0
OF_PEER = {
    "constant": "one",
    "count": "own_count",
    "decayed": f"own_decayed_{LIFE:g}d",
    "last_days": "own_last_days",
    "gap_days": "own_gap_days",
    "overdue": "own_overdue",
    "trip_share": "own_trip_share",
    "in_last_trip": "own_in_last_trip",
}
"""{input of the peer: that of the baseline}"""


def scores(trained: Trained, recommender: Recommends, catalog: Catalog) -> list[dict[str, float]]:
    """{item: score} of every judged trip, best first."""
    trips, nothing = trained.trips, tf.zeros([0], tf.int32)
    judged = trips.first_test_trips()
    asked = Batch(*map(tf.convert_to_tensor, TripReader(trips, catalog).batch(judged)))
    retrieved = tf.zeros([len(judged), 0], tf.int32)
    item_Bk, score_Bk, _ = recommender.recommend(asked, retrieved, nothing, nothing, EVERY, EVERY)
    return [
        {str(trips.item_ids[item]): float(score) for item, score in zip(items, scores, strict=True) if item >= 0}
        for items, scores in zip(item_Bk.numpy(), score_Bk.numpy(), strict=True)
    ]


def peer_scores(trained: Trained, peer: Peer) -> list[dict[str, float]]:
    trips = trained.trips
    answers = peer.fit(trips).recommend([request_of(trips, int(trip), EVERY) for trip in trips.first_test_trips()])
    return [dict(zip(answer.item_ids, answer.scores, strict=True)) for answer in answers]


def positive(scored: dict[str, float]) -> dict[str, float]:
    """Without what only fills the list."""
    return {item: score for item, score in scored.items() if score > 1e-2}


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("recent_popularity", Popularity(days=7.0)),
        ("last_basket", LastBasket()),
        ("p_top_frequency", TopFrequency(fills=False)),
        ("gp_top_frequency", TopFrequency()),
        ("personal_frequency", TopFrequency(half_life_days=120.0)),
    ],
)
def test_a_baseline_scores_as_its_peer_does(trained: Trained, name: str, peer: Peer) -> None:
    ours = scores(trained, *baseline(name, trained.run, trained.trips, trained.catalog))
    theirs = peer_scores(trained, peer)
    assert len(ours) == len(theirs) == 64
    for one, other in zip(ours, theirs, strict=True):
        assert positive(one) == pytest.approx(positive(other), abs=1e-3)


def test_the_logistic_baseline_with_its_peers_weights_scores_as_its_peer_does(trained: Trained) -> None:
    peer = LogisticPeer(half_life_days=LIFE)
    theirs = peer_scores(trained, peer)
    weights = dict(zip(OF_PEER.values(), peer.weight_F.tolist(), strict=True))
    catalog = trained.catalog.as_served()
    ours = scores(trained, Recommender(catalog, trained.run, Logistic(weights)), catalog)
    for one, other in zip(ours, theirs, strict=True):
        assert {item: score for item, score in one.items() if score >= 0} == pytest.approx(
            {item: score for item, score in other.items() if score > 0}, abs=1e-4
        )


def named(trained: Trained, *names: str) -> str:
    gate = trained.run.gate.replace(baselines=("popularity", "personal_frequency", *names))
    return trained.run.replace(gate=gate).to_json()


def test_the_named_ones_are_exported_and_the_logistic_one_has_learned_what_is_bought_again(
    trained: Trained, tmp_path: Path
) -> None:
    versions = export_baselines(
        named(trained, "p_top_frequency", "logistic"), str(trained.examples), str(tmp_path / "b")
    )
    assert list(versions) == ["popularity", "personal_frequency", "p_top_frequency", "logistic"]
    assert json.loads((tmp_path / "b" / "versions.json").read_text()) == versions
    trips, which = trained.trips, trained.trips.first_test_trips()
    baskets = [trips.basket(int(trip)) for trip in which]
    listed = {name: recommend_all(package.load(tmp_path / "b" / name), trips, which) for name in versions}
    ndcg = {
        name: metrics.mean_defined(metrics.ndcg(metrics.find_hits(items, baskets, baskets), 10))
        for name, items in listed.items()
    }
    assert ndcg["logistic"] > 0.9 * ndcg["personal_frequency"] > 2 * ndcg["popularity"]
    for trip, items in zip(which, listed["p_top_frequency"], strict=True):
        history = trips.event_item_E[trips.history(int(trip))]
        assert set(items[items != metrics.NO_ITEM]) <= set(np.unique(history))


def test_a_name_that_nobody_knows_is_refused(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected names among popularity, .*, logistic, got fame"):
        export_baselines(named(trained, "fame"), str(trained.examples), str(tmp_path / "b"))
