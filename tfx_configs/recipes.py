"""Named runs: functions that return one frozen RunSettings."""

from pathlib import Path
from typing import Literal

from tfx_configs.settings import (
    CandidateSettings,
    DataSettings,
    FeatureSettings,
    GateSettings,
    RolloutSettings,
    RunSettings,
    TrainSettings,
)

MOVIELENS_FILES = ("u.data", "ratings.dat")
"""The ratings of MovieLens 100K and 1M."""


def full(path: str = "", cut_date: str | None = None) -> RunSettings:
    """The main job: all shoppers, all products."""
    return RunSettings(data=_data(path, cut_date, 100.0))


def fast(path: str = "", cut_date: str | None = None) -> RunSettings:
    """A deterministic sample of shoppers and short training, for tests: minutes, not quality."""
    return RunSettings(
        data=_data(path, cut_date, 100.0 if path else 8.0),
        features=FeatureSettings(min_item_count=2, half_lives_days=(30.0, 120.0), max_attributes=3),
        candidates=CandidateSettings(retrieved=50, popular=50),
        train=TrainSettings(
            dimension=8, retrieval_epochs=1, retrieval_batch=64, ranking_epochs=2, ranking_days=56, ranking_batch=16
        ),
        # Under 200 judged trips: a difference of a tenth is noise, and so is most of a calibration error.
        gate=GateSettings(
            min_ratio_to_baseline=0.9,
            min_lead_low_percent=-30.0,
            min_slice_trips=30,
            max_slice_loss_percent=30.0,
            min_slice_ratio=0.5,
            max_calibration_error=0.15,
            max_calibration_factor=2.0,
        ),
        # Nor do some dozen answers prove anything about outcomes.
        rollout=RolloutSettings(min_canary_requests=10, min_outcome_ratio=0.0),
        replay_requests=240,
    )


def _data(path: str, cut_date: str | None, sample_percent: float) -> DataSettings:
    return DataSettings(source=_source(path), path=path, cut_date=cut_date, sample_percent=sample_percent)


def _source(path: str) -> Literal["complete_journey", "movielens", "canonical"]:
    """Told by the files in the directory: MovieLens has names of its own."""
    if not path:
        return "complete_journey"
    return "movielens" if any((Path(path) / name).exists() for name in MOVIELENS_FILES) else "canonical"
