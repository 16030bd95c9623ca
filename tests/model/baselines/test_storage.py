"""Baselines as files: what is loaded answers as what was saved did, and damaged files are refused."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.baselines.frequency import BASELINES, Logistic
from model.baselines.item_similarity import Ease, ImplicitAls, ItemKnn
from model.baselines.storage import ARRAYS, RECORD, load, save
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.candidates.barred import Barred
from model.data.catalog import Catalog
from model.errors import ModelRefused
from model.features.records import feature_records
from model.ranking.recommender import Ranking, Recommender, Recommends
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings

CATALOG = small_catalog()
FEATURES, CANDIDATES = FeatureSettings(half_lives_days=(2.0, 4.0)), CandidateSettings(popular=3)
NAMES = [record.name for record in feature_records(CATALOG, FEATURES)]
ASKED = batch(
    Ask(day=70, bought=[("a", 60), ("d", 60), ("a", 64)]),
    Ask(day=70),
    Ask(day=70, bought=[("a", 10), ("b", 10), ("a", 60), ("d", 60)], user=1),
)


def generated(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


SCORERS: dict[str, Any] = {
    **{name: make(NAMES) for name, make in BASELINES.items()},
    "logistic": Logistic(NAMES, {"one": -1.5, "own_count": 0.75, "own_trip_share": 0.1}),
    "popular_unseen": PopularUnseen(CATALOG.decayed_WI[-1]),
    "item_knn": ItemKnn(np.array([[1, 0], [0, 0], [1, 4], [0, 0], [0, 0]], np.int32), np.abs(generated(5, 2))),
    "ease": Ease(np.array([1, 0]), generated(2, 2), len(ITEMS)),
    "ials": ImplicitAls(generated(5, 3), regularization=1.0, alpha=3.0),
}


def recommender_of(scorer: Any) -> Recommends:
    if hasattr(scorer, "fills"):
        return Recommender(CATALOG, FEATURES, CANDIDATES, scorer)
    return WholeCatalog(CATALOG, scorer)


def answers(recommender: Recommends) -> Ranking:
    requests = len(ASKED.time_B)
    nothing = Barred(np.zeros(0, np.int32), np.zeros(requests, np.int64))
    return recommender.recommend(ASKED, np.zeros((requests, 0), np.int32), nothing, recommender.ranked, 20)


@pytest.mark.parametrize("name", SCORERS)
def test_what_is_loaded_answers_as_what_was_saved(name: str, tmp_path: Path) -> None:
    saved = recommender_of(SCORERS[name])
    save(SCORERS[name], tmp_path / "baseline")
    loaded = load(tmp_path / "baseline", CATALOG, FEATURES, CANDIDATES)
    assert type(loaded) is type(saved) and loaded.ranked == saved.ranked
    before, after = answers(saved), answers(loaded)
    assert len(before.item_N)
    for expected, array in zip(before, after, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype


def test_files_are_plain_and_the_same_of_the_same_baseline(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        save(SCORERS["ials"], tmp_path / folder)
    assert json.loads((tmp_path / "first" / RECORD).read_text()) == {
        "name": "ials",
        "parameters": {"regularization": 1.0, "alpha": 3.0},
    }
    for file in (RECORD, ARRAYS):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_what_is_popular_is_read_from_the_catalog(tmp_path: Path) -> None:
    """In this one a has no purchases, b 3, d 1, e 5 and z 6; the second request has no history."""
    save(SCORERS["popular_unseen"], tmp_path / "baseline")
    other = dataclasses.replace(CATALOG, decayed_WI=CATALOG.decayed_WI[:, ::-1].copy())
    ranking = answers(load(tmp_path / "baseline", other, FEATURES, CANDIDATES))
    second = ranking.item_N[ranking.end_B[0] : ranking.end_B[1]]
    assert [ITEMS[item] for item in second] == ["z", "e", "b", "d"]


def changed(**fields: Any) -> Any:
    def change(folder: Path) -> None:
        record = json.loads((folder / RECORD).read_text())
        (folder / RECORD).write_text(json.dumps(record | fields))

    return change


def with_arrays(**arrays: np.ndarray) -> Any:
    def change(folder: Path) -> None:
        with np.load(folder / ARRAYS) as stored:
            all_arrays = dict(stored) | arrays
        np.savez(folder / ARRAYS, **{name: array for name, array in all_arrays.items() if array is not None})

    return change


def cut_short(name: str) -> Any:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return change


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / RECORD).unlink(), "No such file"),
        (lambda folder: (folder / ARRAYS).unlink(), "No such file"),
        (cut_short(RECORD), "JSONDecodeError"),
        (cut_short(ARRAYS), "BadZipFile"),
        (lambda folder: (folder / ARRAYS).write_bytes(b""), "EOFError"),
        (lambda folder: (folder / RECORD).write_text("[]"), "TypeError"),
        (changed(name="fame"), "expected a name among feature, .*ials.*, got fame"),
        (changed(name=["ials"]), "TypeError"),
        (changed(parameters={}), "regularization: Field required"),
        (changed(parameters=None), "valid dictionary"),
        (
            changed(parameters={"regularization": "1", "alpha": 3.0}),
            "regularization: Input should be a valid number",
        ),
        (changed(name="feature", parameters={"feature": "own_mood", "fill": 0.0, "fills": True}), "got own_mood"),
        (with_arrays(factor_If=None), "factor_If"),
        (with_arrays(factor_If=generated(4, 3)), r"factor_If: expected float32 of shape \(5, 3\), got .* \(4, 3\)"),
        (with_arrays(factor_If=np.zeros((5, 3))), "factor_If: expected float32 .* got float64"),
        (with_arrays(factor_If=np.array([{}] * 5)), "allow_pickle=False"),
    ],
)
def test_a_damaged_directory_is_refused_in_one_line(damage: Any, reason: str, tmp_path: Path) -> None:
    save(SCORERS["ials"], tmp_path / "baseline")
    damage(tmp_path / "baseline")
    with pytest.raises(ModelRefused, match=f"{re.escape(str(tmp_path / 'baseline'))}: expected a baseline") as refused:
        load(tmp_path / "baseline", CATALOG, FEATURES, CANDIDATES)
    assert re.search(reason, str(refused.value)) and "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [5, -1])
def test_positions_outside_the_catalog_are_refused(value: int, tmp_path: Path) -> None:
    save(SCORERS["item_knn"], tmp_path / "baseline")
    with_arrays(near_IN=np.full((5, 2), value, np.int32))(tmp_path / "baseline")
    with pytest.raises(ModelRefused, match="near_IN: expected numbers from 0 to below 5"):
        load(tmp_path / "baseline", CATALOG, FEATURES, CANDIDATES)


@pytest.mark.parametrize("name", ["item_knn", "ease", "ials"])
def test_a_baseline_of_a_larger_catalog_is_refused(name: str, tmp_path: Path) -> None:
    save(SCORERS[name], tmp_path / "baseline")
    smaller = {field: getattr(CATALOG, field)[:1] for field in ("item_ids", "attribute_IA")}
    catalog: Catalog = dataclasses.replace(CATALOG, **smaller)
    with pytest.raises(ModelRefused, match=r"shape|numbers from 0 to below 1"):
        load(tmp_path / "baseline", catalog, FEATURES, CANDIDATES)
