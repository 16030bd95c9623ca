from pathlib import Path

import numpy as np

from model.index import ExactIndex

VECTORS = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
INDEX = ExactIndex(VECTORS, np.array([10, 20, 30, 40]))


def test_the_largest_inner_products_come_first() -> None:
    """[2, 1] gives 2, 1, 3, -2; [-1, 0.5] gives -1, 0.5, -0.5, 1."""
    found = INDEX.search(np.array([[2, 1], [-1, 0.5]], np.float32), 3)
    assert found.tolist() == [[30, 10, 20], [40, 20, 30]]
    assert found.dtype == np.int32


def test_places_without_an_item_are_minus_one() -> None:
    assert INDEX.search(np.array([[2, 1]], np.float32), 6).tolist() == [[30, 10, 20, 40, -1, -1]]
    assert ExactIndex(VECTORS[:0], np.zeros(0)).search(np.array([[2, 1]], np.float32), 2).tolist() == [[-1, -1]]


def test_a_saved_index_finds_the_same(tmp_path: Path) -> None:
    INDEX.save(tmp_path / "index")
    queries = np.random.default_rng(3).normal(size=(20, 2)).astype(np.float32)
    assert (ExactIndex.load(tmp_path / "index").search(queries, 4) == INDEX.search(queries, 4)).all()


def test_it_agrees_with_sorting_everything() -> None:
    rng = np.random.default_rng(1)
    vectors, queries = rng.normal(size=(500, 8)).astype(np.float32), rng.normal(size=(9, 8)).astype(np.float32)
    expected = np.argsort(-(queries @ vectors.T), axis=1)[:, :25]
    assert (ExactIndex(vectors, np.arange(500)).search(queries, 25) == expected).all()
