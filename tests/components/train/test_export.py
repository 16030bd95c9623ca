"""The exported model, loaded alone, against the one that training holds in memory."""

import numpy as np
import pytest

from components.evaluate.predictions import request_of
from model.data.batch import Batch, TripReader
from model.system.legacy_keras import tf
from tests.components.train.conftest import Trained, loaded

K, STEP = 10, 50


def test_a_loaded_model_scores_a_thousand_trips_as_the_training_code_does(trained: Trained) -> None:
    trips, learned, exported = trained.trips, trained.learned, loaded(trained.model)
    which = np.arange(1000)
    reader, nothing = TripReader(trips, trained.catalog.as_served()), tf.zeros([0], tf.int32)
    compared = 0
    for rows in np.split(which, range(STEP, len(which), STEP)):
        batch = Batch(*map(tf.convert_to_tensor, reader.batch(rows)))
        neighbours = learned.index.search(learned.recommender.embed(batch).numpy(), exported.manifest.retrieved)
        asked = (batch, neighbours, nothing, nothing, exported.manifest.ranked, K)
        item_Bk, score_Bk, _ = (a.numpy() for a in learned.recommender.recommend(*asked))
        answers = exported.recommend([request_of(trips, int(trip), K) for trip in rows])
        for items, scores, answer in zip(item_Bk, score_Bk, answers, strict=True):
            listed = items >= 0
            assert trips.item_ids[items[listed]].tolist() == answer.item_ids
            assert answer.scores == pytest.approx(scores[listed].tolist(), abs=1e-5)
            compared += len(answer.scores)
    assert compared == len(which) * K
