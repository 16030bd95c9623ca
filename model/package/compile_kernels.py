"""`python -m model.package.compile_kernels`: compiles every kernel ahead of use.

It runs on a tiny catalog what training and serving run. It does nothing when this was done before for the same sources.
Progress goes to stderr.
"""

import argparse
import importlib
import os
import pkgutil
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import pyarrow as pa

import model.candidates
import model.features
import model.kernels
from model.candidates.barred import Barred
from model.data.batch import Batch
from model.data.catalog import GAP_DAYS, MISSING, Catalog, Promotions
from model.errors import AisleError, StageFailed
from model.features.recent import RecentEvents
from model.kernels.compiler import CACHE_VARIABLE, KERNELS, cache_base, cache_directory, is_cached, version
from model.kernels.processor import check_processor
from model.kernels.tables import id_table, numbers
from model.package.vector_index import ExactIndex
from model.ranking.recommender import Candidates, Recommender
from tfx_configs.settings import CandidateSettings, FeatureSettings
from tfx_configs.units import DAY_S, HOUR_S

COMPLETE = "complete"
"""File in the directory of compiled kernels, written last."""
_PACKAGES: tuple[ModuleType, ...] = (model.kernels, model.features, model.candidates)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0; 1 with one line on stderr when the directory cannot be written, or, with --check, is not complete."""
    parser = argparse.ArgumentParser(prog="python -m model.package.compile_kernels", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compile nothing; exit 1 if something is to be compiled")
    options = parser.parse_args(argv)
    try:
        check_processor()
        if options.check and not is_complete():
            raise StageFailed(f"kernels: expected them compiled in {cache_directory()}; they are not")
        compile_all()
    except AisleError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def is_complete() -> bool:
    """Whether every kernel of these sources is compiled already."""
    return (cache_directory() / COMPLETE).is_file()


def compile_all() -> None:
    """Compiles what is not compiled yet, and removes machine code of other versions.

    Raises:
        StageFailed: the directory cannot be written, or a kernel is called by no step here.
    """
    if is_complete():
        return
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / COMPLETE).with_suffix(".new").write_text(version() + "\n", encoding="utf-8")
    except OSError as error:
        raise StageFailed(f"kernels: {error}; set {CACHE_VARIABLE} to a directory that can be written") from None
    for number, (name, step) in enumerate(STEPS.items(), 1):
        print(f"kernels: {number} of {len(STEPS)}, {name} ...", end="", file=sys.stderr, flush=True)
        begin = time.monotonic()
        step()
        print(f" {time.monotonic() - begin:.0f} s", file=sys.stderr)
    if missing := uncompiled():
        raise StageFailed(
            f"kernels: {', '.join(missing)} not compiled; call them in a step of model/package/compile_kernels.py"
        )
    os.replace((directory / COMPLETE).with_suffix(".new"), directory / COMPLETE)
    for other in cache_base().iterdir():
        if other.is_dir() and not other.name.startswith(version()):
            shutil.rmtree(other, ignore_errors=True)


def uncompiled() -> list[str]:
    """Names of the kernels of all modules that are not in the cache."""
    for package in _PACKAGES:
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if module.name != __name__:
                importlib.import_module(module.name)
    return [f"{k.py_func.__module__}.{k.py_func.__name__}" for k in KERNELS if not is_cached(k)]


def _ids() -> None:
    numbers(id_table(pa.array(["bread", "milk"])), ["milk", "tea"])


def _nearest() -> None:
    """The search for the largest inner products."""
    vectors = np.ones((3, 2), np.float32)
    ExactIndex(vectors, np.arange(3)).search(vectors[:1], k=2)


def _recent_events() -> None:
    RecentEvents(_catalog())(_requests())


def _recommendations() -> None:
    """Candidates, features and the best of them, as for a request."""
    recommender = Recommender(_catalog(), FeatureSettings(), CandidateSettings(), _FirstFeature())
    nothing = Barred(np.array([1], np.int32), np.array([1, 1]))
    recommender.recommend(_requests(), np.array([[1], [2]], np.int32), nothing, ranked=2, k=1)


STEPS: dict[str, Callable[[], None]] = {
    "ids": _ids,
    "nearest items": _nearest,
    "recent events": _recent_events,
    "candidates and features": _recommendations,
}
"""What is run, in this order; all of it takes about half a minute where nothing is compiled."""


class _FirstFeature:
    """Implements Scorer."""

    logs = True

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        return dense_CF[:, 0]


def _requests() -> Batch:
    """Two: one with a history of two events, one without."""
    return Batch(
        history_item_H=np.array([0, 1], np.int32),
        history_time_H=np.array([DAY_S, 2 * DAY_S]),
        history_row_H=np.zeros(2, np.int32),
        time_B=np.array([9 * DAY_S, 9 * DAY_S]),
        store_B=np.array([1, MISSING], np.int32),
        user_BD=np.zeros((2, 0), np.int32),
        history_store_H=np.array([1, MISSING], np.int32),
        history_quantity_H=np.ones(2, np.float32),
        history_price_H=np.zeros(2, np.float32),
    )


def _catalog() -> Catalog:
    """Three products with one attribute, of which one is on promotion."""
    hours = np.array([9 * DAY_S // HOUR_S], np.int32)
    first = np.zeros(1, np.int32)
    return Catalog(
        item_ids=np.array(["bread", "milk", "tea"]),
        attribute_names=("department",),
        attribute_sizes=(3,),
        attribute_IA=np.array([[2], [2], [MISSING]], np.int32),
        vocabulary_I=np.arange(3, dtype=np.int32),
        vocabulary_size=3,
        price_I=np.ones(3, np.float32),
        repurchase_I=np.ones(3, np.float32),
        hazard_IG=np.ones((3, len(GAP_DAYS) + 1), np.float32),
        snapshot_W=np.array([7 * DAY_S]),
        recent_WI=np.ones((1, 3), np.float32),
        decayed_WI=np.ones((1, 3), np.float32),
        store_ids=np.array(["", "here"]),
        user_ids=np.array([], str),
        user_attribute_names=(),
        user_attribute_sizes=(),
        user_attribute_UD=np.zeros((1, 0), np.int32),
        promotions=(
            Promotions(kind="mailer", store_P=first, item_P=first, start_hour_P=hours - 1, end_hour_P=hours + 1),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
