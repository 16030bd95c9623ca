"""The monitor's baseline: facts about the model and the weeks before its cut, beside tables of those weeks."""

from pydantic import Field

from components.artifacts.artifact import Artifact
from tfx_configs.labels import LabelSettings


class MonitorBaseline(
    Artifact, file="reference.json", stage="reference", validate_by_name=True, serialize_by_alias=True
):
    """Facts of a baseline; the tables beside them are described in components/monitor/data/baseline.py."""

    begin_s: int
    """First moment that the tables cover, unix seconds."""
    cut_s: int
    """The model's cut, which ends the tables, unix seconds."""
    schema_digest: str = Field(alias="schema")
    """Digest of the canonical schema at that time."""
    promotion_gap_s: float
    """Longest time between starts of promotions before the cut, seconds; 0 without promotions."""
    labels: LabelSettings = LabelSettings()
    """Of the run that made the model: what counts as bought."""
    levels: dict[str, dict[str, float]]
    """{version: {check: its level over the plain ranker's, on the evaluation's trips}}."""
    probable: tuple[str, ...]
    """Versions whose scores are probabilities."""
