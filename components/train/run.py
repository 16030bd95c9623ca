"""Train: trips to a model directory."""

from pathlib import Path

import numpy as np

from components.artifacts.examples import Examples
from components.artifacts.training import TrainingRecord
from components.kfp_support.progress import progress
from components.train import distributed as workers
from components.train.calibration.calibrate import calibrate
from components.train.input_pipeline import LossCurve
from components.train.item_neighbours import with_together, with_together_of
from components.train.new_networks import recommender_of
from components.train.parent_model import open_parent
from components.train.pre_ranker import train_preranker
from components.train.query_choice import train_early
from components.train.ranker import train_ranker
from components.train.towers import item_index, neighbours, train_towers
from components.train.trip_split import training_trips
from components.train.vocabulary import Coding, recoded
from components.train.warm_start import TrainedModel, train_from_parent
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.package.export import export
from model.registry.model_registry import TRAINED
from model.system.legacy_keras import tf
from tfx_configs.stages import TrainStage


def train(
    *, run: TrainStage, examples_dir: Path, model_dir: Path, parent_dir: Path | None = None
) -> tuple[str, TrainingRecord]:
    """Trains from scratch or from a parent, as `run.train.start` requires, and exports towers and ranker as one model.

    Of several workers (components/train/distributed.py) the chief exports, and the others write nothing.

    Args:
        examples_dir: what the examples stage wrote.
        model_dir: model directory, replaced in one step.
        parent_dir: directory of the model to start from; not read from scratch.

    Returns:
        The model's version, "" of a worker that is not the chief, and how it was trained.

    Raises:
        CheckFailed: there are no trips to train on before the cut.
        InputError: there are no examples, or no parent.
        ModelRefused: the parent does not fit (components.train.parent_model).
    """
    workers.strategy()  # before TensorFlow does anything else
    examples = Examples.load(examples_dir)
    trips, catalog = examples.trips(), examples.catalog()
    if run.train.start == "scratch":
        coding = Coding.of(catalog, examples)
        trained = train_from_scratch(run, trips, catalog)
    else:
        parent = open_parent(parent_dir, run, trips.cut_s)
        coding, catalog = parent.coding, recoded(catalog, parent.coding, examples)
        trained = train_from_parent(run, trips, catalog, parent)
    version = package(run, examples, trained, coding, model_dir) if workers.is_chief() else ""
    workers.wait_for_all()
    return version, trained.record


def package(run: TrainStage, examples: Examples, trained: TrainedModel, coding: Coding, directory: Path) -> str:
    """Writes the model directory in one step; returns its version. `trained.catalog` is in the codes of `coding`."""
    manifest = export(
        directory,
        TRAINED,
        trained.recommender,
        trained.catalog,
        features=run.features,
        candidates=run.candidates,
        index=trained.index,
        training=trained.record.as_json() | {"settings": run.model_dump()},
        coding=coding.model_dump(mode="json"),
        score_is_probability=True,
        rerank=run.rerank,
        items=examples.items,
        half_life_days=run.features.half_lives_days[-1],
        task=trained.task,
    )
    progress(f"exported {manifest.version}")
    return manifest.version


def train_from_scratch(run: TrainStage, trips: Trips, catalog: Catalog) -> TrainedModel:
    """Trains the towers on earlier trips before the cut, the ranker on the last `ranking_days`, from nothing.

    The ranker learns on what towers and neighbours find that have not seen its trips, as in serving; afterwards the
    towers learn from these trips too, and the neighbours are those of all purchases before the cut.

    Raises CheckFailed when there are no trips.
    """
    tf.keras.utils.set_random_seed(run.train.seed)
    reader, most = TripReader(trips, catalog), run.candidates.retrieved
    learning = training_trips(trips, run.train)
    query, towers, networks, watch_towers, recall = train_early(run, reader, catalog, learning)
    watch_ranker = LossCurve("ranker")
    earlier = with_together_of(catalog, trips, run, learning)
    training = recommender_of(run, earlier, networks)
    retrieved = neighbours(towers, training, catalog, reader, learning, most)
    preranked = train_preranker(
        training, networks.preranker, reader, learning.ranking, retrieved["train"], run.train.seed
    )
    progress(f"ranker: {len(learning.ranking):,} trips to learn from")
    train_ranker(training, networks.ranker, reader, learning, retrieved, run.train, watch_ranker)
    calibration = calibrate(training, networks.ranker, reader, learning.valid, retrieved["valid"], run.train)

    later = np.concatenate([learning.ranking, learning.valid])
    warnings = (*watch_towers.warnings, *watch_ranker.warnings)
    watch_towers.name = "towers, the last trips too"
    train_towers(towers, catalog, reader, later, run.train, watch_towers, epochs=watch_towers.best_epoch)
    for warning in warnings:
        progress(warning)
    record = TrainingRecord(
        start="scratch",
        learned_until_s=trips.cut_s,
        train_trips=len(learning.ranking),
        valid_trips=len(learning.valid),
        curves={"towers": tuple(watch_towers.curve), "ranker": tuple(watch_ranker.curve)},
        query=query,
        query_recall=recall,
        warnings=warnings,
        preranker=preranked,
        calibration=calibration,
    )
    index = item_index(towers, training, catalog, reader, learning.ranking)
    served = with_together(catalog, trips, run, trips.cut_s).as_served()
    recommender = recommender_of(run, served, networks)
    return TrainedModel(recommender=recommender, catalog=served, index=index, record=record, task=trips.task)
