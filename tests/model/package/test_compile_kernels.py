"""Kernels are compiled once: a start afterwards compiles nothing, wherever it is and whatever arrays it is given."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numba.core import event

from model.features.matrix import Features
from model.kernels.compiler import cache_base, cache_directory, version
from model.package import compile_kernels as program
from model.ranking.recommender import Recommender
from tests.model.kernels.processes import make_read_only, python
from tests.model.small_catalog import Ask, batch, small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings


@pytest.fixture(scope="module")
def filled() -> Path:
    """The cache of this environment, which `make setup` fills; half a minute where it did not."""
    program.compile_all()
    return cache_base()


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it."""
    shutil.copytree(filled / version(), tmp_path / "kernels" / version())
    yield tmp_path / "kernels"
    for directory, _, _ in os.walk(tmp_path):
        os.chmod(directory, 0o700)


def test_a_start_compiles_nothing_and_writes_nothing_where_the_cache_is_read_only(cache: Path) -> None:
    make_read_only(cache)
    refused = python("-c", f"open({str(cache / 'new')!r}, 'w')", cache=cache, bound=True)
    done = python("-m", "tests.model.kernels.workload", cache=cache, bound=True)
    figures = json.loads(done.stdout)
    assert "PermissionError" in refused.stderr
    assert figures["compiled"] == figures["misses"] == 0 and figures["hits"] > 0


def test_another_processor_runs_the_same_code(cache: Path) -> None:
    done = python("-m", "tests.model.kernels.workload", "znver5", cache=cache)
    assert json.loads(done.stdout)["misses"] == 0, done.stderr


def test_without_the_cache_the_workload_would_compile(tmp_path: Path) -> None:
    code = "from model.kernels.compiler import KERNELS; from model.package import compile_kernels as program; "
    code += "program._ids(); print(sum(sum(k.stats.cache_misses.values()) for k in KERNELS))"
    assert int(python("-c", code, cache=tmp_path).stdout) > 0


def test_a_directory_that_cannot_be_written_costs_time_and_a_warning_but_no_answer(tmp_path: Path) -> None:
    code = "from model.kernels.tables import places; print(places(2))"
    make_read_only(tmp_path)
    done = python("-c", code, cache=tmp_path / "kernels", bound=True)
    tmp_path.chmod(0o700)
    assert done.stdout == "8\n"
    assert "AISLE_KERNEL_CACHE" in done.stderr and done.stderr.count("\n") == 1


def test_an_unfinished_cache_is_completed_and_other_versions_go(cache: Path) -> None:
    (cache / version() / program.COMPLETE).unlink()
    (cache / "0.1.0-0123456789abcdef").mkdir()
    (cache / f"{version()}-bounds").mkdir()
    first = python("-m", "model.package.compile_kernels", "--check", cache=cache)
    done = python("-m", "model.package.compile_kernels", cache=cache)
    again = python("-m", "model.package.compile_kernels", "--check", cache=cache)
    assert first.returncode == 1 and first.stderr.startswith("kernels: expected them compiled in")
    assert done.returncode == 0 and "kernels: 1 of" in done.stderr
    assert sorted(path.name for path in cache.iterdir()) == [version(), f"{version()}-bounds"]
    assert again.returncode == 0 and not again.stderr


def test_where_nothing_can_be_written_compiling_ends_with_one_line(tmp_path: Path) -> None:
    make_read_only(tmp_path)
    done = python("-m", "model.package.compile_kernels", cache=tmp_path / "kernels", bound=True)
    tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "set AISLE_KERNEL_CACHE to a directory that can be written" in done.stderr


def test_every_kernel_is_compiled(filled: Path) -> None:
    assert program.uncompiled() == []
    assert any(cache_directory().glob("*/matrix._fill-*.nbc"))


def test_arrays_that_are_read_only_strided_or_of_other_numbers_compile_nothing(filled: Path) -> None:
    catalog, requests = small_catalog(), batch(Ask(day=71, bought=[("a", 65), ("b", 66)]), Ask(day=72))
    requests = requests._replace(
        history_store_H=np.array([1, 0], np.int32),
        history_quantity_H=np.array([1, 2], np.float32),
        history_price_H=np.array([0, 3], np.float32),
    )
    recommender = Recommender(catalog, FeatureSettings(), CandidateSettings(), program._FirstFeature())
    retrieved_BR, barred = np.array([[1], [2]], np.int32), program.Barred(np.array([0], np.int32), np.array([1, 1]))
    ranking = recommender.recommend(requests, retrieved_BR, barred, 3, 2)
    with event.install_recorder("numba:compile") as recorder:
        frozen = type(requests)(*(_frozen(array) for array in requests))
        wide = type(requests)(*(np.repeat(array.astype(np.int64), 2)[::2] for array in requests))
        wide_BR, frozen_barred = retrieved_BR.astype(np.int64), program.Barred(*map(_frozen, barred[:2]))
        for other in (frozen, wide):
            same = recommender.recommend(other, wide_BR, frozen_barred, np.int32(3), np.int32(2))
            assert [array.tolist() for array in same] == [array.tolist() for array in ranking]
        raw_CF = Features(catalog, FeatureSettings())(wide, np.arange(6)[::3], np.array([1, 2], np.int32))
    assert len(raw_CF) == 2
    assert [compilation for _, compilation in recorder.buffer if compilation.is_start] == []


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
