"""The first step of a run on a cluster, as KFP calls it: what a person typed into the page becomes the run's facts."""

from pathlib import Path

import pytest
from kfp import dsl

from components.kfp_support.program_version import code_version
from components.train import current_models
from components.train.op import stable
from model.registry.roles import Roles
from tfx_configs import recipes
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import RunSettings
from tfx_configs.stages import TrainStage

PAGE = {"settings": "{}", "data": "/registry/tables", "cut_date": "2017-12-04", "recipe": "fast"}


class Service:
    """A service without a model."""

    roles = staticmethod(lambda: Roles[str]())


def step(root: Path, **page: str) -> dict[str, str]:
    table = root / "table.md"
    done = stable.python_func(
        namespace="aisle", registry=str(root), data_version="monday", table=dsl.Markdown(uri=str(table)), **PAGE | page
    )
    assert table.read_text().startswith("# What the run begins with")
    return dict(done._asdict())


def test_the_pages_parameters_become_whole_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_models, "Cluster", lambda namespace: Service)
    done = step(tmp_path)
    assert RunSettings.from_json(done["settings"]) == recipes.fast("/registry/tables", "2017-12-04")
    assert (done["data_version"], done["code_version"], done["stable_dir"]) == ("monday", code_version(), "")
    changed = step(tmp_path, settings='{"train": {"dimension": 16}}', recipe="full")
    assert RunSettings.from_json(changed["settings"]).train.dimension == 16
    assert TrainStage.from_json(changed["train_settings"]).train.dimension == 16
    assert changed["ingest_settings"] == done["ingest_settings"]


def test_a_recipe_that_there_is_not_stops_the_run_at_its_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_models, "Cluster", lambda namespace: Service)
    with pytest.raises(SettingsError, match="recipe: expected one of full, fast, got 'quick'"):
        step(tmp_path, recipe="quick")
