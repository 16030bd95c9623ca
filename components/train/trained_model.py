"""The result of training in memory, from scratch or from a parent."""

import dataclasses

from components.artifacts.training import TrainingRecord
from model.networks.recommender import Recommender
from model.package.vector_index import Index


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """Ready for export."""

    recommender: Recommender
    """On the catalog as served."""
    index: Index
    record: TrainingRecord
    """Without the settings."""
