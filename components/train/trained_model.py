"""What training leaves in memory, however it began."""

import dataclasses
from typing import Any

from model.networks.recommender import Recommender
from model.package.vector_index import Index


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learned:
    """Ready for export."""

    recommender: Recommender
    """On the catalog as served."""
    index: Index
    report: dict[str, Any]
    """What training.json keeps, beside the settings."""
