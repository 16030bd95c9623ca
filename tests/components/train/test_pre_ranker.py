"""What the pre-ranker learns: a line, and by the network what no line can express."""

import numpy as np

from components.train.new_networks import new_networks, recommender_of
from components.train.pre_ranker import _fit_network, train_preranker
from components.train.trip_split import training_trips
from model.candidates.line import INPUTS, LINE
from model.data.batch import TripReader
from model.networks.pre_ranker import PreRanker
from model.system.legacy_keras import tf
from tests.components.train.conftest import Trained


def test_the_network_learns_what_the_line_cannot_express() -> None:
    """Bought is what is either near and rare, or far and popular."""
    rng = np.random.default_rng(5)
    preranker = PreRanker(0)
    place, popularity = INPUTS.index("place"), INPUTS.index("popularity")
    input_NJ = np.zeros((20_000, len(INPUTS)), np.float32)
    input_NJ[:, [place, popularity]] = rng.uniform(0, 7, (20_000, 2))
    bought_N = (input_NJ[:, place] > 3.5) == (input_NJ[:, popularity] > 3.5)
    _fit_network(preranker, np.zeros(20_000, np.float32), input_NJ, bought_N, rng)
    right = (preranker(tf.constant(input_NJ)).numpy() > 0) == bought_N
    assert right.mean() > 0.85  # of a line, half


def test_it_learns_from_the_pool_the_same_each_time_and_likes_what_was_bought_before(trained: Trained) -> None:
    trips, catalog, run = trained.trips, trained.catalog, trained.run
    reader, learning = TripReader(trips, catalog), training_trips(trips, run.train)
    none = np.full((len(learning.ranking), 1), -1, np.int32)
    learned = []
    for _ in range(2):
        networks = new_networks(run, catalog)[1]
        preranker, recommender = networks.preranker, recommender_of(run, catalog, networks)
        report = train_preranker(recommender, preranker, reader, learning.ranking, none, seed=7)
        learned.append([variable.numpy() for variable in preranker.variables])
    assert report.trips == len(learning.ranking) and 0 < report.bought < report.entries
    assert all(np.array_equal(first, other) for first, other in zip(*learned, strict=True))
    own = dict(zip(LINE, preranker.line_F.numpy(), strict=True))
    assert own["decayed_60d"] + own["decayed_365d"] > 0
