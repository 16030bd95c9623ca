"""The product's baselines against the benchmark's peers of the same name, which share no code with them."""

import dataclasses

import numpy as np
import pytest

from benchmarks.peers.base import Peer
from benchmarks.peers.frequency import LastBasket, Popularity, TopFrequency
from benchmarks.peers.logistic import Logistic as LogisticPeer
from components.artifacts.examples import Examples
from components.evaluate.predictions import request_of
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train.baselines.export import baseline
from model.baselines.frequency import Logistic
from model.candidates.barred import Barred
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.features.records import feature_records
from model.ranking.recommender import Recommender, Recommends
from tests.worlds import market, run_settings, write
from tfx_configs.settings import RunSettings

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """Examples of the market of 64 shoppers."""

    run: RunSettings
    trips: Trips
    catalog: Catalog


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("market")
    run = run_settings(write(root / "source", **market(shoppers=64)))
    ingest(data=run.data, tables_dir=root / "tables")
    build_examples(run=run, tables_dir=root / "tables", examples_dir=root / "examples")
    examples = Examples(root / "examples")
    return Shop(run=run, trips=examples.trips(), catalog=examples.catalog())


def scores(shop: Shop, recommender: Recommends, catalog: Catalog) -> list[dict[str, float]]:
    """{item: score} of every judged trip, best first."""
    trips, judged = shop.trips, shop.trips.first_test_trips()
    asked = TripReader(trips, catalog).batch(judged)
    retrieved = np.zeros((len(judged), 0), np.int32)
    nothing = Barred(np.zeros(0, np.int32), np.zeros(len(judged), np.int64))
    answer = recommender.recommend(asked, retrieved, nothing, EVERY, EVERY)
    scored = list(zip(trips.item_ids[answer.item_N].tolist(), answer.score_N.tolist(), strict=True))
    return [dict(scored[begin:end]) for begin, end in zip([0, *answer.end_B[:-1]], answer.end_B, strict=True)]


def peer_scores(shop: Shop, peer: Peer) -> list[dict[str, float]]:
    trips = shop.trips
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
def test_a_baseline_scores_as_its_peer_does(shop: Shop, name: str, peer: Peer) -> None:
    ours = scores(shop, *baseline(name, shop.run, shop.trips, shop.catalog))
    theirs = peer_scores(shop, peer)
    assert len(ours) == len(theirs) == 64
    for own, other in zip(ours, theirs, strict=True):
        assert positive(own) == pytest.approx(positive(other), abs=1e-3)


def test_the_logistic_baseline_with_its_peers_weights_scores_as_its_peer_does(shop: Shop) -> None:
    peer = LogisticPeer(half_life_days=LIFE)
    theirs = peer_scores(shop, peer)
    weights = dict(zip(OF_PEER.values(), peer.weight_F.tolist(), strict=True))
    catalog = shop.catalog.as_served()
    features, candidates = shop.run.features, shop.run.candidates
    names = [record.name for record in feature_records(catalog, features)]
    ours = scores(shop, Recommender(catalog, features, candidates, Logistic(names, weights)), catalog)
    for own, other in zip(ours, theirs, strict=True):
        assert {item: score for item, score in own.items() if score >= 0} == pytest.approx(
            {item: score for item, score in other.items() if score > 0}, abs=1e-4
        )
