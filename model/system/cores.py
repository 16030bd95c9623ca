"""How many cores this process may use: those it may run on, and what its container pays for."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = CGROUP) -> int:
    """The smaller of the processor affinity and the container's CPU quota (cgroup v2 or v1), rounded up; at least 1.

    On a node of 16 cores a pod with a limit of 2 sees all 16: threads for each of them would only wait.
    """
    return max(1, math.ceil(min(len(os.sched_getaffinity(0)), _quota(cgroup))))


def _quota(cgroup: Path) -> float:
    """Cores; infinite without a limit."""
    files = ([cgroup / "cpu.max"], [cgroup / "cpu" / "cpu.cfs_quota_us", cgroup / "cpu" / "cpu.cfs_period_us"])
    for parts in files:
        try:
            quota, period = " ".join(part.read_text(encoding="ascii") for part in parts).split()
        except (OSError, ValueError):
            continue
        if quota not in ("max", "-1"):
            return int(quota) / int(period)
    return math.inf
