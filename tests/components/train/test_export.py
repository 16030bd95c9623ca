"""The exported model, loaded alone, against the one that training holds in memory."""

import dataclasses

import numpy as np
import pytest

from components.evaluate.predictions import request_of
from model.candidates.barred import Barred
from model.data.batch import TripReader
from pipelines.forget.scan import occurrences
from tests.components.train.conftest import Exported, Trained, loaded

K, STEP = 10, 50


def test_neither_the_model_nor_a_baseline_holds_the_id_of_any_shopper(trained: Trained, baselines: Exported) -> None:
    """The scan finds each of them in the examples."""
    shoppers = trained.trips.user_ids.tolist()[::8]
    files = [file for folder in (trained.model, baselines.directory) for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 50
    assert [(str(file), user) for file in files for user in shoppers if occurrences(file, str(user))] == []
    users = trained.examples / "trips" / "users.parquet"
    assert all(occurrences(users, str(user)) == 1 for user in shoppers)


def test_a_shoppers_attributes_reach_the_networks_through_the_request(trained: Trained) -> None:
    """No table in the model has them: without them the same shopper gets other scores."""
    trips, exported = trained.trips, loaded(trained.model)
    described = [trip for trip in trips.first_test_trips().tolist() if trips.attributes(int(trips.user_T[trip]))][:20]
    assert described and len(exported.engine.catalog.user_ids) == 0
    requests = [request_of(trips, trip, K) for trip in described]
    nameless = [dataclasses.replace(request, user_id="another") for request in requests]
    bare = [dataclasses.replace(request, attributes=()) for request in requests]
    assert exported.recommend(nameless) == exported.recommend(requests) != exported.recommend(bare)


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
