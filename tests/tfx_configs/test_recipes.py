"""The settings of a run from its layers: defaults, a config, the options, single changes."""

from typing import Any

import pytest

from tfx_configs import recipes
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import DataSettings, RunSettings

CONFIG = {"data": {"path": "/mine", "test_days": 14}, "train": {"dimension": 16, "ranking_days": 70}}


def test_a_config_changes_what_it_names_and_nothing_else() -> None:
    run = recipes.run_settings(config=CONFIG)
    assert run.data == DataSettings(source="canonical", path="/mine", test_days=14)
    assert run.replace(data=DataSettings(), train=run.train.replace(dimension=32, ranking_days=140)) == RunSettings()


def test_options_hold_over_the_config_and_single_changes_over_all() -> None:
    layers: dict[str, Any] = {"config": CONFIG, "path": "/other", "cut_date": "2017-12-04", "fast": True}
    run = recipes.run_settings(**layers)
    assert (run.data.path, run.data.cut_date, run.data.test_days) == ("/other", "2017-12-04", 14)
    assert (run.train.dimension, run.train.ranking_days, run.data.sample_percent) == (8, 56, 100.0)
    changed = recipes.run_settings(**layers, changes=["train.dimension=24", "data.path=/third", "train.dimension=25"])
    assert (changed.train.dimension, changed.data.path, changed.train.ranking_days) == (25, "/third", 56)


def test_a_fast_run_takes_a_sample_of_the_demos_data_only() -> None:
    assert recipes.fast().data.sample_percent == 8
    assert recipes.fast("/mine").data.sample_percent == 100
    assert recipes.run_settings(fast=True, changes=["data.sample_percent=50"]).data.sample_percent == 50


def test_a_change_is_json_or_text() -> None:
    run = recipes.run_settings(changes=["features.half_lives_days=[1,2]", "data.spark_master=local[4]"])
    assert run.features.half_lives_days == (1.0, 2.0) and run.data.spark_master == "local[4]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.sample_percent=much", "setting data.sample_percent: expected float, above 0, at most 100, got 'much'"),
        ("train.dimensions=8", "setting train.dimensions: unknown in TrainSettings; it has start, seed, dimension,"),
        ("trian.dimension=8", "setting trian: unknown in RunSettings; it has data,"),
        ("dimension", "expected --set section.field=value, got 'dimension'"),
        ("train.=8", "expected --set section.field=value, got 'train.=8'"),
        ("data=5", "setting data: expected an object, got 5"),
        ("data.path.more=5", "setting data.path: expected str, got {'more': 5}"),
    ],
)
def test_a_wrong_change_is_named(change: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        recipes.run_settings(changes=[change])
    assert str(refused.value).startswith(message)


def test_a_run_of_the_page_is_that_of_the_command_with_the_same_options() -> None:
    page = recipes.run_of_page('{"train": {"dimension": 16}}', "/mine", "2017-12-04", "fast")
    assert page == recipes.run_settings(path="/mine", cut_date="2017-12-04", fast=True, changes=["train.dimension=16"])
    assert recipes.run_of_page("", "", "", "full") == recipes.full()
    assert recipes.run_of_page("", "", "", "fast") == recipes.fast()
    whole = recipes.fast("/mine")
    assert recipes.run_of_page(whole.to_json(), "", "", "full") == whole


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("{}", "", "", "quick"), "recipe: expected one of full, fast, got 'quick'"),
        (("{", "", "", "full"), "settings: expected JSON"),
        (('{"train": {"dimensions": 1}}', "", "", "full"), "setting train.dimensions: unknown in TrainSettings"),
        (("{}", "", "monday", "full"), "setting data.cut_date: expected"),
    ],
)
def test_what_the_page_gets_wrong_is_one_line(values: tuple[str, str, str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as error:
        recipes.run_of_page(*values)
    assert "\n" not in str(error.value)
