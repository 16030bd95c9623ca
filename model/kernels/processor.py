"""The oldest processor that compiled kernels run on. Imports nothing of Numba: the command asks here when it starts."""

import platform
from pathlib import Path

from model.errors import StageFailed

BASELINE = ("x86-64-v3", "+avx2,+fma,+bmi,+bmi2,+lzcnt,+movbe,+f16c,+popcnt")
"""LLVM's name and features: those of processors of 2013 and later."""
FLAGS = {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "popcnt"}
"""The same, as Linux names them."""


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
        raise StageFailed(
            f"kernels: expected a processor of the level {BASELINE[0]} (2013 or later), this one lacks {missing[0]}; "
            "use another machine or node"
        )
