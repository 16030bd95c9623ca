"""What a second core is worth on this machine to a loop that shares nothing: an upper bound for any server's gain."""

import json
import subprocess
import time
from collections.abc import Sequence

import numba
import numpy as np

from benchmarks.harness import process as child

SECONDS = 3.0
_PIECE = 2_000_000


def loop_gain(cores: Sequence[int], seconds: float = SECONDS) -> float:
    """Work of one process on each of the cores together, over that of one process alone on the first."""
    alone = sum(_rates(cores[:1], seconds))
    return round(sum(_rates(cores, seconds)) / alone, 3)


def _rates(cores: Sequence[int], seconds: float) -> list[float]:
    """Pieces a second of each process; they run at the same time."""
    start = time.time() + 4.0  # by then every one has compiled its loop
    commands = [
        ["taskset", "-c", str(core), *child.python(f"{__name__}:main", str(start), str(seconds))] for core in cores
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    lines = [process.communicate()[0].splitlines()[-1] for process in processes]
    return [float(json.loads(line)) for line in lines]


def main(start: str, seconds: str) -> float:
    """Pieces a second from the moment `start`, unix seconds."""
    _piece(np.uint64(1))
    time.sleep(max(float(start) - time.time(), 0.0))
    begin, pieces, value = time.perf_counter(), 0, np.uint64(1)
    while time.perf_counter() - begin < float(seconds):
        value = np.uint64(_piece(value))
        pieces += 1
    return pieces / (time.perf_counter() - begin)


@numba.njit
def _piece(value):  # type: ignore[no-untyped-def]
    """A chain of integer operations in registers: no memory, no system calls."""
    for _ in range(_PIECE):
        value ^= value << np.uint64(13)
        value ^= value >> np.uint64(7)
        value ^= value << np.uint64(17)
    return value
