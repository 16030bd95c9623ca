"""Models that start from a parent: refreshed and warm."""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.artifacts.training import TrainingRecord
from components.evaluate.predictions import request_of
from components.train.run import train
from model.api import Answer
from model.data.catalog import Catalog
from model.errors import AisleError, CheckFailed, InputError, ModelRefused
from model.files import read_json, tree_digests
from model.networks import weights
from model.networks.trained import TrainedNetworks
from tests.components.train.conftest import NEW, Exported, Trained, loaded
from tests.worlds import CUT_DAY, seconds
from tfx_configs.settings import Start

K = 20


def start_from(
    parent: Path | None, world: Trained, start: Start, out: Path, **changes: Any
) -> tuple[str, TrainingRecord]:
    run = world.run.training(start=start, **changes)
    return train(run=run, examples_dir=world.examples, model_dir=out, parent_dir=parent)


def answers(model: Path, world: Trained) -> list[Answer]:
    """To the first trip of each shopper after the cut."""
    trips = world.trips
    return loaded(model).recommend([request_of(trips, int(trip), K) for trip in trips.first_test_trips()])


def vectors(model: Path, catalog: Catalog) -> dict[str, np.ndarray]:
    """{item id: its vector in the index}."""
    items, vector_Nd = (np.load(model / "index" / f"{name}.npy") for name in ("items", "vectors"))
    return dict(zip(catalog.item_ids[items].tolist(), vector_Nd, strict=True))


@pytest.fixture(scope="module")
def refreshed(week_later: Trained, trained: Trained) -> Path:
    start_from(trained.model, week_later, "refresh", week_later.model)
    return week_later.model


@dataclass(frozen=True, kw_only=True)
class Unmoved:
    """A refresh of a model on its own catalog, in the model's directory: ended half way, then run again."""

    model: Path
    record: TrainingRecord
    digests: tuple[dict[str, str], dict[str, str], dict[str, str]]
    """Of the directory: before, after the end half way, after the run."""


@pytest.fixture(scope="module")
def unmoved(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Unmoved:
    root = tmp_path_factory.mktemp("unmoved")
    model = Path(shutil.copytree(trained.model, root / "model"))
    before = tree_digests(root)
    with pytest.MonkeyPatch.context() as ended:
        ended.setattr("model.package.export.write_manifest", _end)
        with pytest.raises(KeyboardInterrupt):
            start_from(trained.model, trained, "refresh", model)
    half_way = tree_digests(root)
    _, record = start_from(trained.model, trained, "refresh", model)
    return Unmoved(model=model, record=record, digests=(before, half_way, tree_digests(root)))


def _end(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_on_its_own_catalog_a_refreshed_model_gives_exactly_its_parents_scores(
    trained: Trained, unmoved: Unmoved, tmp_path: Path
) -> None:
    assert answers(unmoved.model, trained) == answers(trained.model, trained)
    assert unmoved.record.parent == loaded(trained.model).version and unmoved.record.curves == {}
    # And that model can be a parent again.
    start_from(unmoved.model, trained, "refresh", tmp_path / "two")
    assert answers(tmp_path / "two", trained) == answers(trained.model, trained)


def test_known_items_keep_their_vectors_though_every_position_moved(
    trained: Trained, week_later: Trained, refreshed: Path
) -> None:
    later = week_later.catalog
    before, after = vectors(trained.model, trained.catalog), vectors(refreshed, later)
    assert set(after) - set(before) == {NEW}
    for item, vector in before.items():
        assert after[item] == pytest.approx(vector, abs=1e-6), item  # the last bit depends on the place in the batch


def test_a_new_item_is_in_the_index_and_is_ranked(week_later: Trained, refreshed: Path) -> None:
    trips = week_later.trips
    asked = [dataclasses.replace(request_of(trips, int(t), K), detail=True) for t in trips.first_test_trips()]
    bought = [request for request in asked if NEW in request.history_item]
    answered = loaded(refreshed).recommend(bought)
    assert bought and all(answer.ranked is not None and NEW in answer.ranked.item_ids for answer in answered)


def test_a_refreshed_model_records_its_cut_and_how_far_its_weights_have_learned(
    trained: Trained, week_later: Trained, refreshed: Path
) -> None:
    assert loaded(refreshed).manifest.cut_s == seconds(CUT_DAY + 7)
    assert read_json(refreshed / "training.json")["learned_until_s"] == seconds(CUT_DAY)
    card = (refreshed / "model_card.md").read_text()
    assert f"Refreshed from {loaded(trained.model).version}" in card


def test_a_warm_start_moves_the_weights_a_little_and_can_be_a_parent(
    trained: Trained, week_later: Trained, tmp_path: Path
) -> None:
    warm = tmp_path / "warm"
    _, record = start_from(trained.model, week_later, "warm", warm)
    before, after = weights.read(trained.model), weights.read(warm)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any("towers" in name for name in moved) and any("ranker" in name for name in moved)
    # What no step of this training sets.
    assert not {name for name in moved if "preranker" in name or "mean" in name or "scale" in name}
    assert record.train_trips and record.valid_trips and record.train_trips <= 64
    assert read_json(warm / "training.json")["learned_until_s"] == seconds(CUT_DAY + 7)
    with pytest.raises(CheckFailed, match="expected trips from 2020-04-20 to 2020-04-20, got none; refresh"):
        start_from(warm, week_later, "warm", tmp_path / "again")


def test_one_that_was_ended_half_way_leaves_what_was_there_and_runs_again(trained: Trained, unmoved: Unmoved) -> None:
    before, half_way, after = unmoved.digests
    assert half_way == before
    assert after != before
    assert answers(unmoved.model, trained) == answers(trained.model, trained)


REFUSED: dict[str, tuple[dict[str, Any], type[AisleError], str]] = {
    "none": ({"parent": ""}, InputError, "train.start refresh: expected a model to start from, got none"),
    "not a model": ({"parent": "nowhere"}, ModelRefused, "expected a model directory"),
    "baseline": (
        {"parent": "baselines/popularity"},
        ModelRefused,
        "expected weights to start from, the popularity there has none",
    ),
    "wider": ({"dimension": 16}, ModelRefused, "made with train.dimension 8, this run has 16"),
    "later": ({"parent": "later/model"}, ModelRefused, "knows purchases until 2020-04-20, this run is judged on trips"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_parent_that_does_not_fit_is_refused_in_one_line(
    what: str, trained: Trained, refreshed: Path, baselines: Exported
) -> None:
    changes, kind, message = REFUSED[what]
    changes = dict(changes)
    parent = changes.pop("parent", "model")
    with pytest.raises(kind, match=message) as refusal:
        start_from(trained.root / parent if parent else None, trained, "refresh", trained.root / "refused", **changes)
    assert "\n" not in str(refusal.value) and not (trained.root / "refused").exists()


def test_weights_of_another_shape_are_refused_before_any_is_set(trained: Trained) -> None:
    networks = trained.learned.recommender.networks
    assert isinstance(networks, TrainedNetworks)
    variables = networks.weights
    values = {name: variable.numpy() for name, variable in variables.items()}
    wrong = values | {"ranker-99-new": np.zeros(3)}
    with pytest.raises(ModelRefused, match="ranker-99-new of shape none, got"):
        weights.assign(variables, wrong)
