"""Golden answers: a model whose kernels or networks compute something else than at export is refused, others load."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.baselines.frequency import BASELINES
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.errors import ModelRefused
from model.features import matrix
from model.kernels.compiler import plain_python
from model.package import golden
from model.package import loaded_model as package
from model.package.engine import Engine
from model.package.export import export
from model.package.golden import NAME, REQUESTS, SAMPLE, TOLERANCE, agree, check_golden, made_up
from model.package.manifest import NAME as MANIFEST
from model.package.manifest import read_manifest, write_manifest
from model.ranking.networks import NAMES
from model.ranking.recommender import Ranking, Recommender, Recommends
from tests.model.model_directory import with_fields
from tests.model.networks_of import index_of, networks_of
from tests.model.small_catalog import ITEMS, promotion, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings

FEATURES, CANDIDATES = FeatureSettings(), CandidateSettings(retrieved=3, popular=3, ranked=2)
CATALOG = small_catalog((promotion("mailer", ("s1", "d", 69, 71), ("", "e", 60, 80)),)).as_served()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained networks with random weights, as training exports them."""
    networks = networks_of(CATALOG, FEATURES)
    recommender = Recommender(CATALOG, FEATURES, CANDIDATES, networks=networks)
    directory = tmp_path_factory.mktemp("golden") / "model"
    export(
        directory,
        "aisle",
        recommender,
        CATALOG,
        features=FEATURES,
        candidates=CANDIDATES,
        index=index_of(networks, CATALOG),
        score_is_probability=True,
    )
    return directory


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "model"))


def resealed(directory: Path, **changes: Any) -> Path:
    """The directory with a manifest over its files as they are now, some of its fields changed."""
    facts = dataclasses.asdict(read_manifest(directory))
    (directory / MANIFEST).unlink()
    written = {"version", "schema", "kernels", "libraries", "files"}
    write_manifest(directory, **{name: value for name, value in facts.items() if name not in written})
    with_fields(directory, **changes)
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(ModelRefused) as refused:
        package.load(directory)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many golden answers each load asks for."""
    numbers: list[int] = []

    def counted(directory: Path, engine: Engine, requests: int = REQUESTS) -> None:
        numbers.append(requests)
        check_golden(directory, engine, requests)

    monkeypatch.setattr(package, "check_golden", counted)
    return numbers


def test_what_was_exported_loads_after_some_of_its_answers_were_asked(model: Path, asked: list[int]) -> None:
    package.load(model)
    assert asked == [SAMPLE] and SAMPLE < REQUESTS


def test_with_other_kernels_all_answers_are_asked_and_right_ones_are_enough(copy: Path, asked: list[int]) -> None:
    package.load(resealed(copy, kernels="0" * 64))
    assert asked == [REQUESTS]


def test_with_other_kernels_one_wrong_answer_is_too_many(copy: Path) -> None:
    """The last one, which a load with the same kernels does not ask."""
    with np.load(copy / NAME) as arrays:
        values = dict(arrays)
    values["score_N"][-1] += 0.01
    np.savez(copy / NAME, **values)
    package.load(resealed(copy))
    assert f"golden answer {REQUESTS - 1} differs" in refusal(resealed(copy, kernels="0" * 64))


@pytest.mark.parametrize("name", NAMES)
def test_networks_with_other_weights_are_refused(copy: Path, name: str) -> None:
    """Of each of the three networks, one constant is off."""
    import onnx

    path = copy / "onnx" / f"{name}.onnx"
    network = onnx.load(str(path))
    weights = [w for w in network.graph.initializer if w.data_type == onnx.TensorProto.FLOAT and np.prod(w.dims) > 8]
    for weight in weights:
        values = onnx.numpy_helper.to_array(weight)
        weight.CopyFrom(onnx.numpy_helper.from_array(-values[::-1].copy(), weight.name))
    onnx.save(network, str(path))
    assert "differs by more than" in refusal(resealed(copy))


def test_another_line_of_the_pre_ranker_is_refused(copy: Path) -> None:
    line = np.load(copy / "onnx" / "line.npy")
    np.save(copy / "onnx" / "line.npy", -line)
    assert "golden answer" in refusal(resealed(copy))


def test_a_kernel_that_computes_something_else_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill = matrix._fill

    def wrong(snapshot: Any, histories: Any, plan: Any, item_C: Any, end_B: Any, out_CF: np.ndarray) -> None:
        fill(snapshot, histories, plan, item_C, end_B, out_CF)
        out_CF[:, 0] += 0.5

    monkeypatch.setattr(matrix, "_fill", wrong)
    assert "computes other scores than training did" in refusal(model)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04cut", b"\x93NUMPY", None])
def test_unreadable_golden_answers_are_refused(copy: Path, content: bytes | None) -> None:
    if content is None:
        np.savez(copy / NAME, item_N=np.zeros(0))
    else:
        (copy / NAME).write_bytes(content)
    assert "expected golden answers" in refusal(resealed(copy))


def test_missing_golden_answers_are_refused(copy: Path) -> None:
    (copy / NAME).unlink()
    assert "expected golden answers" in refusal(resealed(copy))


def test_altered_files_are_refused_before_anything_is_loaded(copy: Path) -> None:
    (copy / NAME).write_bytes(b"1")
    assert f"{NAME}: altered" in refusal(copy)


def test_an_export_whose_kernels_and_plain_python_disagree_writes_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Golden answers are those of plain Python: compiled code that differs from it does not leave the training."""

    def plain(engine: Engine, batch: Any) -> Ranking:
        answer = answers(engine, batch)
        if not isinstance(matrix._fill, type(FILL)):
            answer.score_N[:] += 1.0
        return answer

    FILL, answers = matrix._fill, golden._answers
    monkeypatch.setattr(golden, "_answers", plain)
    with pytest.raises(ModelRefused, match="golden answer 0 differs"):
        export(tmp_path / "model", "popularity", _baseline(), CATALOG, features=FEATURES, candidates=CANDIDATES)
    assert not (tmp_path / "model").exists()


def _baseline(name: str = "popularity") -> Recommends:
    names = matrix.Features(CATALOG, FEATURES).names
    return Recommender(CATALOG, FEATURES, CANDIDATES, BASELINES[name](names))


@pytest.mark.parametrize("kind", ["personal_frequency", "popular_unseen"])
def test_baselines_have_golden_answers_as_well(kind: str, tmp_path: Path) -> None:
    recommender = _baseline(kind) if kind in BASELINES else WholeCatalog(CATALOG, PopularUnseen(CATALOG))
    export(tmp_path / "model", kind, recommender, CATALOG, features=FEATURES, candidates=CANDIDATES)
    package.load(tmp_path / "model")
    with np.load(tmp_path / "model" / NAME) as arrays:
        assert len(arrays["end_B"]) == REQUESTS and len(arrays["item_N"]) > REQUESTS
        values = dict(arrays)
    values["score_N"][0] += 0.01
    np.savez(tmp_path / "model" / NAME, **values)
    assert "golden answer 0 differs" in refusal(resealed(tmp_path / "model"))


def test_golden_answers_from_before_events_had_stores_and_prices_are_asked_as_well(tmp_path: Path) -> None:
    export(tmp_path / "model", "popularity", _baseline(), CATALOG, features=FEATURES, candidates=CANDIDATES)
    with np.load(tmp_path / "model" / NAME) as arrays:
        values = dict(arrays)
    for name in ("store", "quantity", "price"):
        del values[f"history_{name}_H"]
    np.savez(tmp_path / "model" / NAME, **values)
    package.load(resealed(tmp_path / "model"))


def test_made_up_requests_are_of_everything_that_a_catalog_has() -> None:
    batch = made_up(CATALOG)
    bought = {ITEMS[item] for item in batch.history_item_H}
    assert bought == set("abde")  # z was not bought before the cut
    assert set(batch.store_B.tolist()) == {0, 1, 2} and set(batch.user_BD[:, 0].tolist()) == {0, 1, 2}
    length_B = np.bincount(batch.history_row_H, minlength=REQUESTS)
    assert (length_B[::10] == 0).all() and (np.delete(length_B, np.s_[::10]) > 0).all()
    assert (batch.history_time_H < batch.time_B[batch.history_row_H]).all()
    for row in range(REQUESTS):
        assert (np.diff(batch.history_time_H[batch.history_row_H == row]) >= 0).all()
    assert set(batch.history_store_H.tolist()) == {0, 1, 2} and set(batch.history_quantity_H.tolist()) == {1, 2, 3}
    assert (batch.history_price_H == 0).any() and (batch.history_price_H > 1).any()
    again = made_up(CATALOG)
    assert batch.user_B is None is again.user_B
    assert all(np.array_equal(first, other) for first, other in zip(batch[:-1], again[:-1], strict=True))


def test_a_catalog_of_one_item_without_shoppers_and_stores_is_asked_as_well() -> None:
    narrow = dataclasses.replace(
        small_catalog().as_served(),
        decayed_WI=np.array([[0, 1, 0, 0, 0]], np.float32),
        store_ids=np.empty(0, object),
        user_attribute_names=(),
        user_attribute_sizes=(),
        user_attribute_UD=np.zeros((1, 0), np.int32),
        user_attribute_values=(),
    )
    batch = made_up(narrow)
    assert set(batch.history_item_H) == {1} and not batch.store_B.any() and batch.user_BD.shape == (REQUESTS, 0)


def test_plain_python_answers_as_the_compiled_kernels_do(model: Path) -> None:
    engine = Engine(model)
    batch = made_up(engine.catalog)
    fast = golden._answers(engine, batch)
    with plain_python():
        plain = golden._answers(engine, batch)
    assert fast.end_B.tolist() == plain.end_B.tolist()
    np.testing.assert_allclose(fast.score_N, plain.score_N, rtol=1e-5)


SCORES = np.array([0.9, 0.5, 0.50001, 0.2])


@pytest.mark.parametrize(
    ("items", "scores", "same"),
    [
        ([1, 2, 3, 4], SCORES, True),
        ([1, 2, 3, 4], SCORES + TOLERANCE / 2, True),
        ([1, 3, 2, 4], SCORES, True),  # near scores, any order
        ([2, 1, 3, 4], SCORES, False),
        ([1, 2, 3, 9], SCORES, True),  # as good as the last, where the list is cut off
        ([9, 2, 3, 4], SCORES, False),
        ([1, 2, 3, 4], SCORES + 3 * TOLERANCE, False),
        ([1, 2, 3], SCORES[:3], False),
        ([], [], False),
        ([1, 2, 3, 4], [np.nan] * 4, False),
    ],
)
def test_lists_agree_but_for_the_order_of_near_scores(items: list[int], scores: Any, same: bool) -> None:
    wanted = np.array([1, 2, 3, 4]), SCORES
    assert agree((np.array(items, int), np.asarray(scores, float)), wanted) is same


def test_large_scores_agree_by_their_share() -> None:
    wanted = np.array([1, 2]), np.array([10_000.0, 5_000.0])
    assert agree((wanted[0], np.array([10_000.5, 5_000.1])), wanted)
    assert not agree((wanted[0], np.array([10_003.0, 5_000.0])), wanted)
    assert agree((wanted[0][:0], wanted[1][:0]), (wanted[0][:0], wanted[1][:0]))
