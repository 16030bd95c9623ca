from pathlib import Path

import numpy as np
import pytest

from model.package.vector_index import ExactIndex, build_index, load_index

VECTORS = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
INDEX = ExactIndex(VECTORS, np.array([10, 20, 30, 40]))


def test_the_largest_inner_products_come_first() -> None:
    """[2, 1] gives 2, 1, 3, -2; [-1, 0.5] gives -1, 0.5, -0.5, 1."""
    nearest = INDEX.search(np.array([[2, 1], [-1, 0.5]], np.float32), 3)
    assert nearest.tolist() == [[30, 10, 20], [40, 20, 30]]
    assert nearest.dtype == np.int32


def test_places_without_an_item_are_minus_one() -> None:
    assert INDEX.search(np.array([[2, 1]], np.float32), 6).tolist() == [[30, 10, 20, 40, -1, -1]]
    assert ExactIndex(VECTORS[:0], np.zeros(0)).search(np.array([[2, 1]], np.float32), 2).tolist() == [[-1, -1]]


def test_a_saved_index_finds_the_same(tmp_path: Path) -> None:
    INDEX.save(tmp_path / "index")
    queries = np.random.default_rng(3).normal(size=(20, 2)).astype(np.float32)
    assert (ExactIndex.load(tmp_path / "index").search(queries, 4) == INDEX.search(queries, 4)).all()


@pytest.mark.parametrize(("items", "k"), [(500, 25), (500, 125), (500, 126), (500, 500), (9_001, 200), (3, 2)])
def test_it_agrees_with_sorting_everything(items: int, k: int) -> None:
    """Up to a quarter of the items by way of the best of each group, where the last group may be short."""
    rng = np.random.default_rng(1)
    vectors, queries = rng.normal(size=(items, 8)).astype(np.float32), rng.normal(size=(9, 8)).astype(np.float32)
    expected = np.argsort(-(queries @ vectors.T), axis=1)[:, :k]
    assert (ExactIndex(vectors, np.arange(items)).search(queries, k) == expected).all()


def test_equal_scores_keep_the_items_order() -> None:
    index = ExactIndex(np.ones((400, 2), np.float32), np.arange(400))
    assert index.search(np.ones((1, 2), np.float32), 50)[0].tolist() == list(range(50))


def clustered(rng: np.random.Generator, rows: int, width: int = 16) -> np.ndarray:
    """Unit vectors around fifty centres, as items of one kind are."""
    vectors = rng.normal(size=(50, width))[rng.integers(0, 50, rows)] + 0.3 * rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_above_its_limit_the_index_is_approximate_and_finds_nearly_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.package.vector_index.EXACT_UP_TO", 1000)
    vectors, queries = (clustered(np.random.default_rng(5), rows) for rows in (20_000, 40))
    items = np.random.default_rng(6).permutation(90_000)[:20_000]
    build_index(vectors, items, lambda: queries).save(tmp_path / "index")
    index = load_index(tmp_path / "index")
    assert index.about["kind"] == "lists" and index.about["probes"] < index.about["lists"]
    exact = ExactIndex(vectors, items).search(queries, 200)
    nearest = index.search(queries, 200)
    recall = np.mean([np.isin(row, row_nearest).mean() for row, row_nearest in zip(exact, nearest, strict=True)])
    assert recall == pytest.approx(index.about["recall@200"], abs=1e-4) and recall >= 0.95
    assert nearest.dtype == np.int32 and (exact[:, 0] == nearest[:, 0]).mean() > 0.9


def test_up_to_its_limit_the_index_is_exact(tmp_path: Path) -> None:
    def never() -> np.ndarray:
        raise AssertionError("an exact index needs no queries")

    build_index(VECTORS, np.array([10, 20, 30, 40]), never).save(tmp_path / "index")
    index = load_index(tmp_path / "index")
    assert index.about == {"kind": "exact"}
    assert index.search(np.array([[2, 1]], np.float32), 2).tolist() == [[30, 10]]
