"""A model of other features than the server computes is refused in one line, not by an error of ONNX Runtime."""

import dataclasses
from pathlib import Path

import pytest

from components.train.new_networks import new_networks, recommender_of
from model.errors import ModelRefused
from model.files import read_json, write_json
from model.package import loaded_model as package
from model.package.engine import SETTINGS
from model.package.export import export
from model.package.manifest import NAME, read_manifest, write_manifest
from tests.model.small_catalog import small_catalog
from tfx_configs.recipes import fast

WRITTEN = {"version", "schema", "kernels", "libraries", "files"}
"""Fields of a manifest that follow from the files and this environment."""


def test_a_model_that_learned_from_other_features_is_refused_in_one_line(tmp_path: Path) -> None:
    """Its settings ask for one more half-life than its ranker has inputs for."""
    run, catalog, directory = fast(), small_catalog().as_served(), tmp_path / "model"
    recommender = recommender_of(run, catalog, new_networks(run, catalog)[1])
    export(directory, "aisle", recommender, catalog, features=run.features, candidates=run.candidates)
    package.load(directory)
    settings = read_json(directory / SETTINGS)
    settings["features"]["half_lives_days"] = [1.0, *settings["features"]["half_lives_days"]]
    write_json(directory / SETTINGS, settings)
    facts = dataclasses.asdict(read_manifest(directory))
    (directory / NAME).unlink()
    write_manifest(directory, **{name: value for name, value in facts.items() if name not in WRITTEN})
    with pytest.raises(ModelRefused, match="expected networks of the features that this server computes") as refused:
        package.load(directory)
    assert "\n" not in str(refused.value)
