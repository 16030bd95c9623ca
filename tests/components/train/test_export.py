"""The exported model, loaded alone, against the one that training holds in memory."""

import numpy as np
import pytest

from components.evaluate.predictions import request_of
from model.candidates.barred import Barred
from model.data.batch import TripReader
from tests.components.train.conftest import Trained, loaded

K, STEP = 10, 50


def test_a_loaded_model_scores_a_thousand_trips_as_the_training_code_does(trained: Trained) -> None:
    """ONNX Runtime, compiled kernels and ids as text, against Keras on indices."""
    trips, learned, exported = trained.trips, trained.learned, loaded(trained.model)
    which = np.arange(1000)
    reader = TripReader(trips, trained.catalog.as_served())
    compared = same = listed = 0
    for rows in np.split(which, range(STEP, len(which), STEP)):
        batch = reader.batch(rows)
        retrieved_BR = learned.index.search(learned.recommender.query(batch), exported.manifest.retrieved)
        ranking = learned.recommender.recommend(
            batch, retrieved_BR, Barred.none(len(rows)), exported.manifest.ranked, K
        )
        answers, begin = exported.recommend([request_of(trips, int(trip), K) for trip in rows]), 0
        for end, answer in zip(ranking.end_B, answers, strict=True):
            items, scores = trips.item_ids[ranking.item_N[begin:end]].tolist(), ranking.score_N[begin:end].tolist()
            assert answer.scores == pytest.approx(scores, abs=1e-5)
            # Of two scores that are this near, any may come first, and of the last ones any may be cut off.
            score_of = dict(zip(items, scores, strict=True))
            assert [score_of.get(item, scores[-1]) for item in answer.item_ids] == pytest.approx(scores, abs=1e-5)
            same, listed = same + (items == answer.item_ids), listed + 1
            compared, begin = compared + len(answer.scores), end
    assert compared == len(which) * K and same > 0.9 * listed
