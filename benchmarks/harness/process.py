"""Runs a command and measures it with all its children: wall time, CPU time, largest resident memory."""

import dataclasses
import importlib
import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from model.errors import StageFailed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command went. Memory is the largest sum over the processes of what is resident, shared pages twice."""

    code: int
    seconds: float
    cpu_s: float
    peak_mb: int
    over_limit: bool
    """It was killed for taking more than it may, or more than there was."""
    other_cores: float
    """Cores that other processes of the machine took meanwhile, on average."""

    def check(self, what: str) -> None:
        """Raises StageFailed when the command failed."""
        if self.code:
            raise StageFailed(f"expected {what} to end with 0, got {self.code}; see its output above")


def run(
    command: Sequence[str],
    *,
    limit_mb: float = math.inf,
    sample_s: float = 0.1,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs the command to its end, or kills it once it holds more than `limit_mb`; our output streams are its own.

    Memory and CPU are sampled every `sample_s` seconds, which takes about 5 ms of CPU.
    """
    began, busy, peak, cpu_s, over = time.perf_counter(), busy_s(), 0.0, 0.0, False
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        watched = psutil.Process(process.pid)
        try:
            while process.poll() is None:
                megabytes, used_s = _sample(watched)
                peak, cpu_s, over = max(peak, megabytes), max(cpu_s, used_s), over or megabytes > limit_mb
                if over:
                    process.kill()
                time.sleep(sample_s)
        finally:
            process.kill()
    seconds = time.perf_counter() - began
    return Ended(
        code=process.returncode,
        seconds=round(seconds, 1),
        cpu_s=round(cpu_s, 1),
        peak_mb=round(peak),
        over_limit=over or process.returncode == -signal.SIGKILL,
        other_cores=round(max(busy_s() - busy - cpu_s, 0.0) / seconds, 2),
    )


def python(function: str, *arguments: str | Path) -> list[str]:
    """A command that calls "module:name" with texts and prints as JSON what it returns, if anything."""
    return [sys.executable, "-m", "benchmarks.harness.process", function, *map(str, arguments)]


def busy_s() -> float:
    """CPU seconds that all processes of the machine have used."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def _sample(process: psutil.Process) -> tuple[float, float]:
    """(MB resident, CPU seconds so far) of a process and its living descendants."""
    megabytes = seconds = 0.0
    try:
        for member in (process, *process.children(recursive=True)):
            times = member.cpu_times()
            megabytes += member.memory_info().rss / 1e6
            seconds += times.user + times.system
    except psutil.NoSuchProcess:  # it ended between two samples; the next sample has the rest
        pass
    return megabytes, seconds


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    if (result := getattr(importlib.import_module(module), name)(*sys.argv[2:])) is not None:
        print(json.dumps(result))
