"""The exported baselines; tests/benchmarks/test_baselines.py compares their scores with rankers that share no code."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import lists
from components.train.baselines.export import export_baselines
from components.train.baselines.similarity import NEIGHBOUR_BASELINES
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from tests.components.train.conftest import EVERY_GATE, Exported, Trained, loaded, with_baselines
from tfx_configs.stages import BaselinesStage


def test_the_named_ones_are_exported_and_the_logistic_one_has_learned_what_is_bought_again(
    trained: Trained, baselines: Exported
) -> None:
    frequencies = (*EVERY_GATE, "p_top_frequency", "logistic")
    assert list(baselines.versions) == [*frequencies, *NEIGHBOUR_BASELINES]
    assert json.loads((baselines.directory / "versions.json").read_text()) == baselines.versions
    trips, which = trained.trips, trained.trips.first_test_trips()
    baskets = [trips.basket(int(trip)) for trip in which]
    listed = {name: lists(loaded(baselines.directory / name), trips, which).items_Nk for name in frequencies}
    ndcg = {
        name: metrics.mean_defined(metrics.ndcg(metrics.find_hits(items, baskets, baskets), 10))
        for name, items in listed.items()
    }
    assert ndcg["logistic"] > 0.9 * ndcg["personal_frequency"] > 2 * ndcg["popularity"]
    for trip, items in zip(which, listed["p_top_frequency"], strict=True):
        own = np.isin(items[items != metrics.NO_ITEM], trips.event_item_E[trips.history(int(trip))])
        assert own.any() and not (np.diff(own.astype(int)) > 0).any(), "popular items fill the list, behind what is own"


def test_an_unknown_name_is_refused(trained: Trained, tmp_path: Path) -> None:
    run = BaselinesStage.of(with_baselines(trained.run, "fame"))
    with pytest.raises(InputError, match=r"expected names among popularity, .*, logistic, got fame"):
        export_baselines(run, str(trained.examples), str(tmp_path / "b"))
