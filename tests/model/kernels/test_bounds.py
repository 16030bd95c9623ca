"""No kernel reads or writes beyond an array: compiled code does not check it, so their tests run once with checks."""

import os
import re
from pathlib import Path

from model.kernels.compiler import cache_base, version
from tests.model.kernels.processes import ROOT, python

CHECKED = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1"}
"""Bounds are checked at every level of optimization; the lowest whose code Numba stores compiles twice as fast."""
FOLDERS = ("tests/model/kernels", "tests/model/features", "tests/model/candidates")
OWN = [
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in sorted((ROOT / folder).glob("test_*.py"))
    if path.stem not in ("test_bounds", "test_compiler", "test_processor")
]
"""The tests of what kernels compute."""
CHECKS_ITSELF = "test_no_index_is_out_of_bounds_and_plain_python_finds_the_same"
"""It starts a process with checked bounds of its own."""


def test_the_kernels_pass_their_tests_with_bounds_checked() -> None:
    """The checked code stays in a directory of its own beside the other, for the next run."""
    options = ("-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", f"not {CHECKS_ITSELF}")
    done = python(*options, *OWN, cache=cache_base(), environment=CHECKED | {"PYTEST_ADDOPTS": ""})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) >= len(OWN)
    assert any((cache_base() / f"{version()}-bounds").glob("*/matrix._fill-*.nbc"))


def test_with_checks_a_read_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    code = "import numpy as np; from model.features.seen import ages; ages(np.ones(2, int), 3, np.ones(1, np.float32))"
    checked = python("-c", code, cache=tmp_path, environment=CHECKED)
    plain = python("-c", code, cache=tmp_path, environment={"NUMBA_BOUNDSCHECK": "0"})
    assert "IndexError" in checked.stderr and checked.returncode == 1
    assert plain.returncode == 0, "the checked code was taken for the plain one"
    assert len(os.listdir(tmp_path)) == 2
