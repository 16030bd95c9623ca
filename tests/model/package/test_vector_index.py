import json
import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.errors import StageFailed
from model.package.vector_index import ExactIndex, Index, ListIndex, build_index, load_index

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
    """Also where the last block is short."""
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


@pytest.mark.parametrize("kind", ["exact", "lists"])
def test_the_float_vectors_of_a_loaded_index_stay_in_their_file(tmp_path: Path, kind: str) -> None:
    vectors, items = clustered(np.random.default_rng(8), 3000), np.arange(3000)
    index = ExactIndex(vectors, items) if kind == "exact" else ListIndex.build(vectors, items, vectors[:9])
    index.save(tmp_path / "index")
    loaded = load_index(tmp_path / "index")
    assert isinstance(loaded, ExactIndex | ListIndex)
    owner: object = loaded._rows.vector_Nd
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner, mmap.mmap)
    assert (loaded.search(vectors[:50], 70) == index.search(vectors[:50], 70)).all() and loaded.about == index.about


def test_what_is_not_finite_is_refused() -> None:
    for value in (np.nan, np.inf, -np.inf):
        vectors = VECTORS.copy()
        vectors[2, 1] = value
        with pytest.raises(StageFailed, match="a vector has NaN or infinity"):
            ExactIndex(vectors, np.arange(4))
        with pytest.raises(StageFailed, match="a query has NaN or infinity"):
            INDEX.search(np.array([[1, value]], np.float32), 2)


PLAIN = """
import json, sys
from pathlib import Path
import numpy as np
from model.package import vector_rows
from model.package.vector_index import load_index
assert vector_rows.PLAIN
queries = np.load(sys.argv[1])
print(json.dumps([load_index(Path(path)).search(queries, 300).tolist() for path in sys.argv[2:]]))
assert "faiss" not in sys.modules
"""


def test_without_the_compiler_it_finds_the_same(tmp_path: Path) -> None:
    """Golden answers are computed so. A third of the vectors are duplicates, so that ties are among them."""
    vectors, queries = (clustered(np.random.default_rng(seed), rows) for seed, rows in [(8, 5000), (9, 30)])
    vectors = np.concatenate([vectors, vectors[::2]])
    items = np.random.default_rng(7).permutation(len(vectors))
    indexes: list[Index] = [ExactIndex(vectors, items), ListIndex.build(vectors, items, queries)]
    paths = [str(tmp_path / str(i)) for i in range(2)]
    for index, path in zip(indexes, paths, strict=True):
        index.save(Path(path))
    np.save(tmp_path / "queries.npy", queries)
    command = [sys.executable, "-c", PLAIN, str(tmp_path / "queries.npy"), *paths]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [index.search(queries, 300).tolist() for index in indexes]
