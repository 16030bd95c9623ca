"""Processes with a cache of kernels of their own, some of them without root's right to write anywhere."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from model.kernels.compiler import CACHE_VARIABLE

ROOT = Path(__file__).resolve().parents[3]
_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE = 24, 1


def python(
    *arguments: str, cache: Path, tree: Path = ROOT, environment: Mapping[str, str] | None = None, bound: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs Python on the sources in `tree`.

    Args:
        bound: by the modes of files, even as root.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=os.environ | {CACHE_VARIABLE: str(cache), "PYTHONPATH": str(tree)} | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_give_up_override if bound else None,
    )


def _give_up_override() -> None:
    ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE)  # no effect, and no need, without root


def make_read_only(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
