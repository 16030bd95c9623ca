"""The exported baselines; tests/benchmarks/test_baselines.py compares their scores with rankers that share no code."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import lists
from components.train.baselines.export import export_baselines
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from model.package import loaded_model as package
from tests.components.train.conftest import Trained


def named(trained: Trained, *names: str) -> str:
    gate = dataclasses.replace(trained.run.gate, baselines=("popularity", "personal_frequency", *names))
    return dataclasses.replace(trained.run, gate=gate).to_json()


def test_the_named_ones_are_exported_and_the_logistic_one_has_learned_what_is_bought_again(
    trained: Trained, tmp_path: Path
) -> None:
    versions = export_baselines(
        named(trained, "p_top_frequency", "logistic"), str(trained.examples), str(tmp_path / "b")
    )
    assert list(versions) == ["popularity", "personal_frequency", "p_top_frequency", "logistic"]
    assert json.loads((tmp_path / "b" / "versions.json").read_text()) == versions
    trips, which = trained.trips, trained.trips.first_test_trips()
    baskets = [trips.basket(int(trip)) for trip in which]
    listed = {name: lists(package.load(tmp_path / "b" / name), trips, which).items_Nk for name in versions}
    ndcg = {
        name: metrics.mean_defined(metrics.ndcg(metrics.find_hits(items, baskets, baskets), 10))
        for name, items in listed.items()
    }
    assert ndcg["logistic"] > 0.9 * ndcg["personal_frequency"] > 2 * ndcg["popularity"]
    for trip, items in zip(which, listed["p_top_frequency"], strict=True):
        history = trips.event_item_E[trips.history(int(trip))]
        assert set(items[items != metrics.NO_ITEM]) <= set(np.unique(history))


def test_a_name_that_nobody_knows_is_refused(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected names among popularity, .*, logistic, got fame"):
        export_baselines(named(trained, "fame"), str(trained.examples), str(tmp_path / "b"))
