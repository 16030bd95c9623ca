"""Train: trips to a model directory, and the baselines exported through the same path."""

from pathlib import Path
from typing import Any

import numpy as np

from components.progress import progress
from components.train.batches import Keras
from components.train.calibration import calibrate
from components.train.ranking import train_ranker
from components.train.retrieval import TwoTowers, item_vectors, query_vectors, train_towers
from model.backend import tf
from model.baselines import BASELINES
from model.catalog import Catalog
from model.errors import CheckFailed
from model.export import export
from model.files import atomic_directory, write_json
from model.index import ExactIndex
from model.inputs import TripReader
from model.ranker import Ranker, RankerScorer
from model.recommender import Recommender
from model.task import ITEMS
from model.timesplit import day, ranking_start
from model.trips import Trips
from tfx_configs.settings import DAY_S, RunSettings


def train(settings: str, examples_dir: str, model_dir: str) -> dict[str, Any]:
    """Trains the towers on earlier trips, the ranker on the last `ranking_days`, and exports both as one model.

    The ranker learns on what towers find that have not seen its trips, as in serving; afterwards the towers learn from
    these trips too. The ranker does not read the towers' scores, so the two need not agree on them.

    Args:
        settings: RunSettings as JSON.
        examples_dir: what the examples stage wrote.
        model_dir: model directory, replaced in one step.

    Returns:
        {version, train_trips, valid_trips, curves: {towers, ranker: losses by epoch}, calibration}.

    Raises:
        CheckFailed: there are no trips to train on before the cut.
    """
    run = RunSettings.from_json(settings)
    tf.keras.utils.set_random_seed(run.train.seed)
    trips, catalog = _load(examples_dir)
    reader = TripReader(trips, catalog)
    start_s = ranking_start(int(trips.time_T.min()), trips.cut_s, run.train.ranking_days)
    valid_s = trips.cut_s - run.train.valid_days * DAY_S
    labelled = trips.basket_end_T > trips.basket_begin_T
    early = np.flatnonzero(labelled & (trips.time_T < start_s))
    which = np.flatnonzero(labelled & (trips.time_T >= start_s) & (trips.time_T < valid_s))
    valid = np.flatnonzero(labelled & (trips.time_T >= valid_s) & (trips.time_T < trips.cut_s))
    if not len(early) or not len(which):
        raise CheckFailed(
            f"expected trips from {day(start_s)} to {day(valid_s)} and before those, got {len(which)} and "
            f"{len(early)}; move the cut or set ranking_days"
        )

    watch_towers, watch_ranker = Keras("towers"), Keras("ranker")
    towers = TwoTowers(catalog, run.train)
    train_towers(towers, reader, early, run.train, watch_towers)
    index = _index(towers, catalog)
    retrieved = {
        name: _search(index, query_vectors(towers, reader, trips_), run.candidates.retrieved)
        for name, trips_ in (("train", which), ("valid", valid))
    }
    progress(f"ranker: {len(which):,} trips to learn from")
    training = Recommender(catalog, run, _no_scorer, towers.queries)
    ranker = Ranker(catalog, len(training.features.records))
    train_ranker(training, ranker, reader, which, valid, retrieved, run.train, watch_ranker)
    calibration = calibrate(training, ranker, reader, valid, retrieved["valid"], run.train)

    train_towers(towers, reader, np.concatenate([which, valid]), run.train, watch_towers)
    served = catalog.as_served()
    recommender = Recommender(served, run, RankerScorer(ranker), towers.queries)
    report = {
        "train_trips": len(which),
        "valid_trips": len(valid),
        "curves": {"towers": watch_towers.curve, "ranker": watch_ranker.curve},
        "calibration": calibration,
    }
    manifest = export(
        Path(model_dir),
        "aisle",
        recommender,
        served,
        retrieved=run.candidates.retrieved,
        index=_index(towers, catalog),
        training=report,
        score_is_probability=True,
        rerank=run.rerank,
        items=Path(examples_dir) / ITEMS,
    )
    progress(f"exported {manifest.version}")
    return {"version": manifest.version, **report}


def export_baselines(settings: str, examples_dir: str, baselines_dir: str) -> dict[str, str]:
    """Writes one model directory for each baseline below `baselines_dir`; returns {name: version}."""
    run = RunSettings.from_json(settings)
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


def _index(towers: TwoTowers, catalog: Catalog) -> ExactIndex:
    active = catalog.active_items()
    return ExactIndex(item_vectors(towers, catalog.items)[active], active)


def _search(index: ExactIndex, queries: np.ndarray, k: int, step: int = 256) -> np.ndarray:
    parts = [index.search(queries[i : i + step], k) for i in range(0, len(queries), step)]
    return np.concatenate(parts) if parts else np.full((0, k), -1, np.int32)


def _no_scorer(graph: Any, values: Any, batch: Any, candidates: Any) -> Any:
    raise AssertionError("the training graph lists candidates and features; it does not rank")
