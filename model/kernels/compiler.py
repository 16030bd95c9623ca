"""How kernels are compiled: for which processors, where machine code is kept, how two versions are distinguished.

Rules of kernels, which are plain loops over NumPy arrays:

- float32 constants are made once, as globals of a module: a bare 0.5 is float64 and makes a whole loop so;
- a sum runs in the order of its elements, so that results do not depend on the machine: of LLVM's fast math only the
  fused multiply-add is on;
- what is computed for many candidates lies one quantity a row, candidates side by side, which LLVM turns into vector
  instructions;
- results are written to arrays of the caller; a kernel raises nothing;
- callers pass arrays through model/kernels/arrays.py: to Numba, an array that is read-only, strided or of another
  number is another type, for which everything is compiled again.

Within `plain_python` the same functions run as plain Python: golden answers are computed so (model/package/golden.py).
"""

import contextlib
import fcntl
import functools
import hashlib
import logging
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaExperimentalFeatureWarning

from model.kernels.processor import BASELINE

CACHE_VARIABLE = "AISLE_KERNEL_CACHE"
"""Environment variable: the directory of compiled kernels, instead of one inside the Python environment."""
KERNELS: "dict[Dispatcher, _KernelCache]" = {}
"""All kernels of the modules imported so far, each with its cache."""
_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("model/kernels", "model/features", "model/candidates")
_CONSTANTS = ("model/api.py", "model/data/catalog.py", "tfx_configs/units.py")
"""Files whose constants the kernels read: their values are compiled in."""


@functools.cache
def digest() -> str:
    """SHA-256 over the source of everything that is compiled: equal sources, equal kernels."""
    files = sorted(file for folder in _FOLDERS for file in (_ROOT / folder).glob("*.py"))
    hashed = hashlib.sha256()
    for file in (*files, *(_ROOT / name for name in _CONSTANTS)):
        content = file.read_bytes()
        hashed.update(f"{file.relative_to(_ROOT)} {len(content)}\0".encode() + content)
    return hashed.hexdigest()


def cache_base() -> Path:
    """Where the machine code of all versions of the kernels is kept."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path(sys.prefix) / "kernels")


def version() -> str:
    """What machine code of the kernels depends on: Numba, and every line that is compiled.

    Numba itself would check only the file of the kernel that is called, and run old code after a change in the file of
    a callee.
    """
    return f"{numba.__version__}-{digest()[:16]}"


def cache_directory() -> Path:
    """Where the machine code of these kernels is kept; that with checked bounds (NUMBA_BOUNDSCHECK=1) has its own."""
    return cache_base() / (version() + ("-bounds" if vars(config)["BOUNDSCHECK"] else ""))


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function at its first call, or finds it compiled. It releases the interpreter's lock."""
    return _compiled(function, {"contract"})


def any_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `kernel`, for a sum that may be taken in any order, so that it can be vectorised."""
    return _compiled(function, {"contract", "reassoc"})


def is_cached(compiled: Dispatcher) -> bool:
    """Whether machine code of this kernel is in the cache."""
    return any(cache_directory().glob(f"*/{KERNELS[compiled].file_name}.*.nbc"))


@contextlib.contextmanager
def plain_python() -> Iterator[None]:
    """Within the block, kernels that Python calls are not compiled, nor are those that they call: for all threads."""
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    for module in [module for name, module in sys.modules.items() if name.startswith("model.")]:
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
    compiled = numba.njit(nogil=True, fastmath=fastmath, error_model="numpy")(function)
    if isinstance(compiled, Dispatcher):  # it is the function itself where NUMBA_DISABLE_JIT is set
        compiled._cache = KERNELS[compiled] = _KernelCache(function)  # type: ignore[attr-defined]
    return compiled


class _Locator(_CacheLocator):
    """Numba's interface to a directory of machine code. Numba's own locators refuse one that cannot be written, as in a
    container, and compile again."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file  # read by Numba
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "_Locator":
        return cls(function, file)

    def get_cache_path(self) -> str:
        return str(cache_directory() / Path(self._py_file).parent.name)

    def ensure_cache_path(self) -> None:
        os.makedirs(self.get_cache_path(), exist_ok=True)

    def get_source_stamp(self) -> str:
        return digest()

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _KernelCache(FunctionCache):
    """Numba's cache of one kernel, for many processes at once: Numba's own may file two signatures under one name."""

    _impl_class = _Implementation

    @property
    def file_name(self) -> str:
        return str(self._impl.filename_base)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Without effect where the directory cannot be written: each process then compiles for itself."""
        try:
            with _locked(cache_directory()):
                super().save_overload(sig, data)
        except OSError as error:
            _warn(str(error))


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def _warn(reason: str) -> None:
    logging.getLogger(__name__).warning(
        "kernels: compiled for this process alone, which takes half a minute: %s; set %s to a directory that "
        "`python -m model.kernels.compile_all` has filled",
        reason,
        CACHE_VARIABLE,
    )


# Raised while the types of a tuple of kernels are inferred; what is compiled in the end is the unrolled loop.
warnings.filterwarnings("ignore", category=NumbaExperimentalFeatureWarning)
if platform.machine() == "x86_64":
    vars(config).update(zip(("CPU_NAME", "CPU_FEATURES"), BASELINE, strict=True))
