"""Training from a parent: its weights on a new catalog (refresh), or tuned on the trips since it learned (warm).

In both, everything that is not learned is new: items and their vectors' index, popularity, prices, promotions, stores,
shoppers. Items that are new to the parent are placed by their attributes and the shared row of their id's hash.
"""

import dataclasses

import numpy as np

from components.artifacts.training import TrainingRecord
from components.kfp_support.progress import progress
from components.train.calibration.calibrate import Platt, calibrate, set_line
from components.train.input_pipeline import LossCurve
from components.train.item_neighbours import with_together
from components.train.new_networks import new_networks, recommender_of
from components.train.parent_model import Parent
from components.train.ranker import LEARNING_RATE as RANKER_RATE
from components.train.ranker import train_ranker
from components.train.towers import INDEX_QUERIES, TwoTowers, item_index, neighbours, train_towers
from components.train.towers import LEARNING_RATE as TOWERS_RATE
from components.train.trip_split import trips_since
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.task import TaskKind
from model.data.time_split import day
from model.data.trips import Trips
from model.networks.trained import TrainedNetworks
from model.networks.weights import assign
from model.package.vector_index import Index
from model.ranking.recommender import Recommender
from model.system.legacy_keras import tf
from tfx_configs.stages import TrainStage

WARM = 0.25
"""Share of the learning rates that a warm start begins with: it corrects what the parent learned."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The result of training in memory, from scratch or from a parent, ready for export."""

    recommender: Recommender
    """On `catalog`."""
    catalog: Catalog
    """As served."""
    index: Index
    record: TrainingRecord
    """Without the settings."""
    task: TaskKind
    """What its trips were judged on."""


def train_from_parent(run: TrainStage, trips: Trips, catalog: Catalog, parent: Parent) -> TrainedModel:
    """A model that starts from the parent's weights, refreshed or warm, as `run.train.start` requires.

    Args:
        catalog: in the parent's codes (components.train.vocabulary.recoded).

    Raises:
        ModelRefused: the weights do not fit.
        CheckFailed: warm, and there are no trips since the parent learned.
    """
    tf.keras.utils.set_random_seed(run.train.seed)
    reader = TripReader(trips, catalog)
    towers, networks = new_networks(run, catalog, parent.query)
    earlier = with_together(catalog, trips, run, parent.learned_until_s)
    training = recommender_of(run, earlier, networks)
    assign(networks.weights, parent.weights)
    record = TrainingRecord(
        start=run.train.start, parent=parent.version, learned_until_s=parent.learned_until_s, query=parent.query
    )
    if run.train.start == "warm":
        record = _tune(run, reader, towers, networks, training, catalog, record)
    progress(f"{run.train.start} of {parent.version}, which learned from events before {day(parent.learned_until_s)}")
    asked = np.flatnonzero(trips.time_T < trips.cut_s)[-INDEX_QUERIES:]
    served = with_together(catalog, trips, run, trips.cut_s).as_served()
    return TrainedModel(
        recommender=recommender_of(run, served, networks),
        catalog=served,
        index=item_index(towers, training, catalog, reader, asked),
        record=record,
        task=trips.task,
    )


def _tune(
    run: TrainStage,
    reader: TripReader,
    towers: TwoTowers,
    networks: TrainedNetworks,
    training: Recommender,
    catalog: Catalog,
    record: TrainingRecord,
) -> TrainingRecord:
    """One epoch at a lower rate on the trips since the parent learned; returns the record with what was learned.

    The ranker learns first, on what towers retrieve that have not seen its trips, then the towers. The pre-ranker and
    the scales of the features stay; the calibration starts from the parent's.
    """
    since_s = record.learned_until_s
    learning = trips_since(reader.trips, since_s, run.train)
    once = run.train.replace(retrieval_epochs=1, ranking_epochs=1)
    watch_towers, watch_ranker = LossCurve("towers"), LossCurve("ranker")
    ranker = networks.ranker
    retrieved = neighbours(towers, training, catalog, reader, learning, run.candidates.retrieved)
    line = Platt(slope=float(ranker.slope.numpy()), offset=float(ranker.offset.numpy()))
    set_line(ranker, Platt())
    progress(f"warm: {len(learning.ranking):,} trips since {day(since_s)}")
    train_ranker(
        training, ranker, reader, learning, retrieved, once, watch_ranker, rate=WARM * RANKER_RATE, standardise=False
    )
    calibration = calibrate(training, ranker, reader, learning.valid, retrieved["valid"], once, line)
    warnings = watch_ranker.warnings
    trained = np.concatenate([learning.ranking, learning.valid])
    train_towers(towers, catalog, reader, trained, once, watch_towers, rate=WARM * TOWERS_RATE)
    learned = {
        "learned_until_s": reader.trips.cut_s,
        "train_trips": len(learning.ranking),
        "valid_trips": len(learning.valid),
        "curves": {"towers": tuple(watch_towers.curve), "ranker": tuple(watch_ranker.curve)},
        "warnings": warnings,
        "calibration": calibration,
    }
    return record.model_copy(update=learned)
