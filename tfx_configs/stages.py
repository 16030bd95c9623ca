"""What each stage of training reads of a run's settings. A change of anything else leaves its result in the cache.

Each class is a part of RunSettings with the same names. A section without a class of its own here is read whole; ranges
and defaults are those of RunSettings.
"""

from typing import Self

from tfx_configs.beam import BeamSettings
from tfx_configs.frozen import Settings
from tfx_configs.labels import LabelSettings
from tfx_configs.rerank import RerankSettings
from tfx_configs.resources import ResourceSettings
from tfx_configs.settings import (
    CandidateSettings,
    DataSettings,
    FeatureSettings,
    GateSettings,
    RunSettings,
    Start,
    Task,
    TrainSettings,
)
from tfx_configs.validation import ValidationSettings


class StageSettings(Settings):
    """Base of the settings of a stage."""

    @classmethod
    def of(cls, run: RunSettings) -> Self:
        """The stage's part of the settings."""
        return cls.model_validate(run, from_attributes=True)


class PositiveTypes(Settings):
    """Of `labels`."""

    positive_types: tuple[str, ...] | None


class IngestStage(StageSettings):
    """Read by ingest."""

    data: DataSettings
    labels: PositiveTypes


class TrainingStart(Settings):
    """Of `train`."""

    start: Start


class ValidateStage(StageSettings):
    """Read by validate."""

    data: DataSettings
    validation: ValidationSettings
    beam: BeamSettings
    train: TrainingStart


class RankingDays(Settings):
    """Of `train`."""

    ranking_days: int


class ExamplesStage(StageSettings):
    """Read by examples."""

    data: DataSettings
    labels: LabelSettings
    features: FeatureSettings
    train: RankingDays
    task: Task


class TrainStage(StageSettings):
    """Read by train, and recorded in the model."""

    data: DataSettings
    features: FeatureSettings
    candidates: CandidateSettings
    train: TrainSettings
    rerank: RerankSettings
    resources: ResourceSettings


class TripSplit(RankingDays):
    """Of `train`."""

    seed: int
    valid_days: int


class GateBaselines(Settings):
    """Of `gate`."""

    baselines: tuple[str, ...] | None


class BaselinesStage(StageSettings):
    """Read by baselines."""

    data: DataSettings
    features: FeatureSettings
    candidates: CandidateSettings
    train: TripSplit
    rerank: RerankSettings
    gate: GateBaselines


class EvaluateStage(StageSettings):
    """Read by evaluate."""

    gate: GateSettings
    beam: BeamSettings


STAGES: dict[str, type[StageSettings]] = {
    "ingest": IngestStage,
    "validate": ValidateStage,
    "examples": ExamplesStage,
    "train": TrainStage,
    "baselines": BaselinesStage,
    "evaluate": EvaluateStage,
}
"""Of the stages whose results may come from the cache."""


def stage_parameters(run: RunSettings) -> dict[str, str]:
    """{parameter of the training pipeline: the settings of one stage as JSON}."""
    return {f"{name}_settings": stage.of(run).to_json() for name, stage in STAGES.items()}
