"""Train: trips to a model directory, and the baselines exported through the same path."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from components.progress import progress
from components.train.batches import Keras
from components.train.calibration import calibrate
from components.train.preranking import train_preranker
from components.train.ranking import no_scorer, train_ranker
from components.train.retrieval import TwoTowers, item_index, retrieve, train_towers
from components.train.split import training_trips
from model.backend import tf
from model.baselines import BASELINES
from model.catalog import Catalog
from model.export import export
from model.files import atomic_directory, write_json
from model.index import Index
from model.inputs import TripReader
from model.ranker import Ranker, RankerScorer
from model.recommender import Recommender
from model.task import ITEMS
from model.trips import Trips
from tfx_configs.settings import MOST_CANDIDATES, RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learned:
    """What training leaves in memory."""

    recommender: Recommender
    """On the catalog as served."""
    index: Index
    report: dict[str, Any]
    """What training.json keeps, beside the settings."""


def train(settings: str, examples_dir: str, model_dir: str) -> dict[str, Any]:
    """Trains the towers on earlier trips, the ranker on the last `ranking_days`, and exports both as one model.

    The ranker learns on what towers find that have not seen its trips, as in serving; afterwards the towers learn from
    these trips too. The ranker does not read the towers' scores, so the two need not agree on them.

    Args:
        settings: RunSettings as JSON.
        examples_dir: what the examples stage wrote.
        model_dir: model directory, replaced in one step.

    Returns:
        {version, train_trips, valid_trips, curves: {towers, ranker: losses by epoch}, preranker,
        calibration}.

    Raises:
        CheckFailed: there are no trips to train on before the cut.
    """
    run = RunSettings.from_json(settings)
    trips, catalog = _load(examples_dir)
    learned = learn(run, trips, catalog)
    manifest = export(
        Path(model_dir),
        "aisle",
        learned.recommender,
        catalog.as_served(),
        retrieved=run.candidates.retrieved,
        index=learned.index,
        training=learned.report | {"settings": dataclasses.asdict(run)},
        score_is_probability=True,
        rerank=run.rerank,
        items=Path(examples_dir) / ITEMS,
    )
    progress(f"exported {manifest.version}")
    return {"version": manifest.version, **learned.report}


def learn(run: RunSettings, trips: Trips, catalog: Catalog) -> Learned:
    """Trains on the trips before the cut. Raises CheckFailed when there are none."""
    tf.keras.utils.set_random_seed(run.train.seed)
    reader = TripReader(trips, catalog)
    learning = training_trips(trips, run.train)
    watch_towers, watch_ranker = Keras("towers"), Keras("ranker")
    towers = TwoTowers(catalog, run.train)
    train_towers(towers, reader, learning.early, run.train, watch_towers)
    index, most = item_index(towers, catalog, reader, learning.ranking), run.candidates.retrieved
    retrieved = {
        "train": retrieve(towers, index, reader, learning.ranking, most),
        "valid": retrieve(towers, index, reader, learning.valid, most),
    }
    training = Recommender(catalog, run, no_scorer, towers.queries)
    preranked = train_preranker(training, reader, learning.ranking, retrieved["train"], run.train.seed)
    progress(f"ranker: {len(learning.ranking):,} trips to learn from")
    ranker = Ranker(catalog, len(training.features.records))
    train_ranker(training, ranker, reader, learning, retrieved, run.train, watch_ranker)
    calibration = calibrate(training, ranker, reader, learning.valid, retrieved["valid"], run.train)

    train_towers(towers, reader, np.concatenate([learning.ranking, learning.valid]), run.train, watch_towers)
    recommender = Recommender(
        catalog.as_served(), run, RankerScorer(ranker), towers.queries, training.candidates.preranker
    )
    report = {
        "train_trips": len(learning.ranking),
        "valid_trips": len(learning.valid),
        "curves": {"towers": watch_towers.curve, "ranker": watch_ranker.curve},
        "preranker": preranked,
        "calibration": calibration,
    }
    return Learned(recommender=recommender, index=item_index(towers, catalog, reader, learning.ranking), report=report)


def export_baselines(settings: str, examples_dir: str, baselines_dir: str) -> dict[str, str]:
    """Writes one model directory for each baseline below `baselines_dir`; returns {name: version}.

    They rank their whole union: nothing has learned which candidates could be left out.
    """
    run = RunSettings.from_json(settings)
    run = dataclasses.replace(run, candidates=dataclasses.replace(run.candidates, ranked=MOST_CANDIDATES))
    _, catalog = _load(examples_dir)
    served = catalog.as_served()
    versions = {}
    with atomic_directory(Path(baselines_dir)) as out:
        for name, scorer in BASELINES.items():
            recommender = Recommender(served, run, scorer())
            items = Path(examples_dir) / ITEMS
            versions[name] = export(out / name, name, recommender, served, rerank=run.rerank, items=items).version
            progress(f"exported {name} {versions[name]}")
        write_json(out / "versions.json", versions)
    return versions


def _load(examples_dir: str) -> tuple[Trips, Catalog]:
    return Trips.load(Path(examples_dir) / "trips"), Catalog.load(Path(examples_dir) / "catalog")
