"""The exported model, loaded alone, against the one that training holds in memory."""

import dataclasses

import numpy as np
import pytest

from components.evaluate.rank import request_of
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train import run as train_run
from model import package
from model.backend import tf
from model.catalog import Catalog
from model.export import export
from model.inputs import Batch, TripReader
from model.trips import Trips
from tests.worlds import market, run_settings, write

K, STEP = 10, 50


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trips, Catalog, train_run.Learned, package.LoadedModel]:
    """A trained market of 64 shoppers, 16 weekly trips each, in memory and as loaded from its directory."""
    root = tmp_path_factory.mktemp("export")
    run = run_settings(write(root / "source", **market(shoppers=64)))
    run = dataclasses.replace(run, train=dataclasses.replace(run.train, ranking_epochs=1, ranking_batch=64))
    ingest(run.to_json(), str(root / "tables"))
    build_examples(run.to_json(), str(root / "tables"), str(root / "examples"))
    trips, catalog = Trips.load(root / "examples" / "trips"), Catalog.load(root / "examples" / "catalog")
    learned = train_run.learn(run, trips, catalog)
    export(root / "model", "aisle", learned.recommender, catalog.as_served(), retrieved=20, index=learned.index)
    return trips, catalog, learned, package.load(root / "model")


def test_a_loaded_model_scores_a_thousand_trips_as_the_training_code_does(
    world: tuple[Trips, Catalog, train_run.Learned, package.LoadedModel],
) -> None:
    trips, catalog, learned, loaded = world
    which = np.arange(1000)
    reader, nothing = TripReader(trips, catalog.as_served()), tf.zeros([0], tf.int32)
    compared = 0
    for rows in np.split(which, range(STEP, len(which), STEP)):
        batch = Batch(*map(tf.convert_to_tensor, reader.batch(rows)))
        found = learned.index.search(learned.recommender.embed(batch).numpy(), 20)
        asked = (batch, found, nothing, nothing, loaded.manifest.ranked, K)
        item_Bk, score_Bk, _ = (a.numpy() for a in learned.recommender.recommend(*asked))
        answers = loaded.recommend([request_of(trips, int(trip), K) for trip in rows])
        for items, scores, answer in zip(item_Bk, score_Bk, answers, strict=True):
            listed = items >= 0
            assert trips.item_ids[items[listed]].tolist() == answer.item_ids
            assert answer.scores == pytest.approx(scores[listed].tolist(), abs=1e-5)
            compared += len(answer.scores)
    assert compared == len(which) * K
