"""How kernels are compiled: for which processors, where machine code is kept, how two versions are distinguished.

Rules of kernels, which are plain loops over NumPy arrays:

- float32 constants are made once, as globals of a module: a bare 0.5 is float64 and makes a whole loop so;
- a sum runs in the order of its elements, so that results do not depend on the machine: of LLVM's fast math only the
  fused multiply-add is on;
- what is computed for many candidates lies one quantity a row, candidates side by side, which LLVM turns into vector
  instructions;
- results are written to arrays of the caller; a kernel raises nothing.

Within `plain_python` the same functions run as plain Python: golden answers are computed so (model/package/golden.py).
"""

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher

from model.errors import StageFailed

CACHE_VARIABLE = "AISLE_KERNEL_CACHE"
"""Environment variable: the directory of compiled kernels, instead of one inside the Python environment."""
BASELINE = ("x86-64-v3", "+avx2,+fma,+bmi,+bmi2,+lzcnt,+movbe,+f16c,+popcnt")
"""LLVM's name and features of the oldest processor that compiled kernels run on: those of 2013 and later."""
FLAGS = {"avx2", "fma", "bmi1", "bmi2", "movbe", "f16c", "popcnt"}
"""The same, as Linux names them."""
_MODEL = Path(__file__).resolve().parents[1]
_FOLDERS = ("kernels", "features", "candidates")


@functools.cache
def digest() -> str:
    """SHA-256 over the source of everything that is compiled: equal sources, equal kernels."""
    files = sorted(file for folder in _FOLDERS for file in (_MODEL / folder).glob("*.py"))
    parts = [file.name.encode() + b"\0" + file.read_bytes() for file in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def cache_directory() -> Path:
    """Where machine code is kept. Numba compares only the file of the kernel that is called, not those of its
    callees: the digest of all of them in the path keeps old code from being found."""
    base = os.environ.get(CACHE_VARIABLE) or Path(sys.prefix) / "kernels"
    return Path(base) / f"{numba.__version__}-{digest()[:16]}"


def check_processor(flags: set[str] | None = None) -> None:
    """Raises StageFailed when this processor is older than BASELINE.

    Args:
        flags: of /proc/cpuinfo; None: read there.
    """
    if platform.machine() != "x86_64":
        return
    if flags is None:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        flags = next((set(line.split(":")[1].split()) for line in lines if line.startswith("flags")), set())
    if missing := sorted(FLAGS - flags):
        raise StageFailed(f"kernels: expected a processor of the level {BASELINE[0]}, this one lacks {missing[0]}")


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function at its first call, or finds it compiled. It releases the interpreter's lock."""
    return _compiled(function, {"contract"})


def any_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `kernel`, for a sum that may be taken in any order, so that it can be vectorised."""
    return _compiled(function, {"contract", "reassoc"})


@contextmanager
def plain_python() -> Iterator[None]:
    """Within the block, kernels that Python calls are not compiled, nor are those that they call: for all threads."""
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    for module in [module for name, module in list(sys.modules.items()) if name.startswith("model.")]:
        space = vars(module)
        for name, value in list(space.items()):
            plain = _plain(value)
            if plain is not value:
                replaced.append((space, name, value))
                space[name] = plain
    try:
        with np.errstate(all="ignore"):  # compiled code does not warn of what overflows or is divided by zero
            yield
    finally:
        for space, name, value in replaced:
            space[name] = value


def _plain(value: Any) -> Any:
    """The function that was compiled, or a tuple of them; any other value as it is."""
    if isinstance(value, Dispatcher):
        return value.py_func
    if isinstance(value, tuple) and value and all(isinstance(part, Dispatcher) for part in value):
        return tuple(part.py_func for part in value)
    return value


def _compiled(function: Callable[..., Any], fastmath: set[str]) -> Callable[..., Any]:
    return numba.njit(nogil=True, cache=True, fastmath=fastmath, error_model="numpy")(function)


vars(config)["CACHE_DIR"] = str(cache_directory())
if platform.machine() == "x86_64":
    vars(config).update(zip(("CPU_NAME", "CPU_FEATURES"), BASELINE, strict=True))
