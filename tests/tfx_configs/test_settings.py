"""Settings check themselves, and survive JSON."""

import dataclasses

import pytest

from tfx_configs import recipes
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import (
    CandidateSettings,
    DataSettings,
    FeatureSettings,
    GateSettings,
    RolloutSettings,
    RunSettings,
    TrainSettings,
)


@pytest.mark.parametrize("run", [recipes.full(), recipes.fast(), recipes.full("/data", "2017-12-04"), RunSettings()])
def test_json_and_back_gives_equal_settings(run: RunSettings) -> None:
    assert RunSettings.from_json(run.to_json()) == run


def test_absent_settings_get_their_defaults() -> None:
    run = RunSettings.from_json('{"data": {"test_days": 7}, "train": {"temperature": 1}}')
    assert run == RunSettings(data=DataSettings(test_days=7), train=TrainSettings(temperature=1.0))
    assert isinstance(run.train.temperature, float)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunSettings().data.test_days = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "settings: expected JSON, got '{'"),
        ("[]", "setting RunSettings: expected an object, got []"),
        ('{"dta": {}}', "setting dta: unknown in RunSettings; it has data,"),
        ('{"data": {"test_day": 3}}', "setting test_day: unknown in DataSettings"),
        ('{"data": {"test_days": "3"}}', "setting DataSettings.test_days: expected int, got '3'"),
        ('{"data": {"test_days": 3.5}}', "setting DataSettings.test_days: expected int, got 3.5"),
        ('{"data": {"test_days": true}}', "setting DataSettings.test_days: expected int, got True"),
        ('{"data": {"source": "kaggle"}}', "setting DataSettings.source: expected one of complete_journey, "),
        ('{"features": {"half_lives_days": 7}}', "setting FeatureSettings.half_lives_days: expected a list, got 7"),
        ('{"rollout": {"percents": [10, "x"]}}', "setting RolloutSettings.percents: expected int, got 'x'"),
    ],
)
def test_wrong_json_is_named(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RunSettings.from_json(text)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (DataSettings, "test_days", 0),
        (DataSettings, "sample_percent", 0.0),
        (DataSettings, "sample_percent", 100.1),
        (DataSettings, "max_dropped_percent", -1.0),
        (DataSettings, "cut_date", "04.12.2017"),
        (FeatureSettings, "max_history", 0),
        (FeatureSettings, "half_lives_days", ()),
        (FeatureSettings, "half_lives_days", (30.0, 7.0)),
        (FeatureSettings, "half_lives_days", (0.0, 7.0)),
        (FeatureSettings, "min_item_count", 0),
        (CandidateSettings, "retrieved", 0),
        (CandidateSettings, "popular", 5000),
        (TrainSettings, "negative_percent", 0.0),
        (TrainSettings, "new_only_percent", 100.0),
        (TrainSettings, "valid_days", 140),
        (GateSettings, "baselines", ("popularity", "logistic")),
        (GateSettings, "min_coverage", 1.5),
        (RolloutSettings, "percents", (10, 50)),
        (RolloutSettings, "percents", (50, 10, 100)),
        (RolloutSettings, "split_alpha", 0.0),
        (RolloutSettings, "outcome_alpha", 0.0),
        (RolloutSettings, "min_outcome_ratio", 1.0),
        (RolloutSettings, "max_list_overlap", 1.1),
        (RolloutSettings, "max_age_hours", 0.0),
        (RunSettings, "replay_requests", 1),
    ],
)
def test_a_value_out_of_range_is_refused_when_built(kind: type, name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"setting {name}: expected"):
        kind(**{name: value})


def test_canonical_tables_need_a_directory() -> None:
    with pytest.raises(SettingsError, match="setting path: expected a directory with source canonical, got ''"):
        DataSettings(source="canonical")
