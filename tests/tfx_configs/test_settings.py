"""Settings check themselves, and survive JSON."""

import copy
import json

import pytest
from pydantic import ValidationError

from tfx_configs import recipes
from tfx_configs.frozen import SettingsError
from tfx_configs.rollout import RolloutSettings
from tfx_configs.settings import (
    CandidateSettings,
    DataSettings,
    FeatureSettings,
    GateSettings,
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


def test_settings_written_before_are_read_and_written_as_they_were() -> None:
    text = json.dumps(json.loads(recipes.fast("/data", "2017-12-04").to_json()), sort_keys=True)
    assert RunSettings.from_json(text).to_json() == text
    assert RunSettings.from_dict(json.loads(text)) == RunSettings.from_json(text)
    assert hash(RunSettings.from_json(text)) == hash(RunSettings.from_json(text))


def test_a_replaced_setting_is_checked_again() -> None:
    data = DataSettings().replace(test_days=7)
    assert data == DataSettings(test_days=7)
    with pytest.raises(SettingsError, match="setting test_days: expected int or null, 1 to 365, got 0"):
        data.replace(test_days=0)
    with pytest.raises(SettingsError, match="setting test_day: unknown in DataSettings"):
        data.replace(test_day=3)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RunSettings().data.test_days = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "settings: expected JSON, got '{'"),
        ("[]", "setting RunSettings: expected an object, got []"),
        ('{"dta": {}}', "setting dta: unknown in RunSettings; it has data,"),
        ('{"data": {"test_day": 3}}', "setting data.test_day: unknown in DataSettings; it has source,"),
        ('{"data": {"test_days": "3"}}', "setting data.test_days: expected int or null, 1 to 365, got '3'"),
        ('{"data": {"test_days": 3.5}}', "setting data.test_days: expected int or null, 1 to 365, got 3.5"),
        ('{"data": {"test_days": true}}', "setting data.test_days: expected int or null, 1 to 365, got True"),
        ('{"data": {"source": "kaggle"}}', "setting data.source: expected one of complete_journey, "),
        (
            '{"data": {"sample_percent": true}}',
            "setting data.sample_percent: expected float, above 0, at most 100, got True",
        ),
        (
            '{"data": {"sample_percent": NaN}}',
            "setting data.sample_percent: expected float, above 0, at most 100, got nan",
        ),
        ('{"features": {"half_lives_days": 7}}', "setting features.half_lives_days: expected a list of float, "),
        ('{"features": {"oov_buckets": 0}}', "setting features.oov_buckets: expected int or null, at least 1, got 0"),
        (
            '{"rollout": {"percents": [10, "x"]}}',
            "setting rollout.percents: expected a list of int, ascending to 100, ",
        ),
        (
            '{"rerank": {"rules": [{}]}}',
            "setting rerank.rules.0.action: expected one of exclude, restrict, cap, got none",
        ),
        ('{"data": {"columns": {"sku": 3}}}', "setting data.columns.sku: expected an object of str to str, got 3"),
        (
            '{"data": {"event_types": {"buy": "sale"}}}',
            "setting data.event_types: expected an object of str to str, values out of purchase, return, view, cart, "
            "ignore, got {'buy': 'sale'}",
        ),
        ('{"train": {"ranking_days": 7}}', "setting train.valid_days: expected below ranking_days, got 7"),
    ],
)
def test_wrong_json_is_named(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        RunSettings.from_json(text)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)


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


def test_a_mapping_is_a_setting_like_others() -> None:
    """From the command it is JSON, or one key after a dot; it cannot be changed, has a hash, and survives JSON."""
    changes = ['data.columns={"Customer.ID": "user_id"}', "data.columns.SKU=item_id", "data.day_first=true"]
    run = recipes.run_settings(path="/data", config={"data": {"columns": {"when": "event_time"}}}, changes=changes)
    assert run.data.columns == {"when": "event_time", "Customer.ID": "user_id", "SKU": "item_id"}
    assert run.data.day_first is True
    assert RunSettings.from_json(run.to_json()) == run and hash(RunSettings.from_json(run.to_json())) == hash(run)
    assert copy.deepcopy(run) == run
    with pytest.raises(TypeError, match="settings cannot be changed"):
        run.data.columns["SKU"] = "user_id"


def test_canonical_tables_need_a_directory() -> None:
    with pytest.raises(SettingsError, match="setting path: expected a directory with source canonical, got ''"):
        DataSettings(source="canonical")
