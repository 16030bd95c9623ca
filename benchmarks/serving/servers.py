"""The servers that are compared, how each is started on its cores, and what each takes of the machine."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from components.rollout.local.processes import Backend, Process, free_port, running, wait_ready

Command = Callable[[int, int], Sequence[str]]
"""(HTTP port, gRPC port) -> what starts a server."""
READY_S = 600.0
"""Longest wait for a server: the largest catalogs take a minute."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """A running server."""

    process: Process
    backend: Backend
    ready_s: float
    """From the start of its process to ready."""
    cores: int

    def cpu_s(self) -> float:
        """CPU seconds of it and its children so far."""
        return sum(sum(member.cpu_times()[:2]) for member in self._members())

    def rss_mb(self) -> int:
        """Resident memory of it and its children; pages that they share count for each."""
        return round(sum(member.memory_info().rss for member in self._members()) / 1e6)

    def _members(self) -> list[psutil.Process]:
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


def aisle(model: Path, store: Path, *options: str, tree: Path | None = None) -> Command:
    """What starts Aisle's server, with the deadline of production.

    Args:
        tree: root of another commit's sources.
    """

    def command(http_port: int, grpc_port: int) -> list[str]:
        where = ("--host-loopback", "--model-dir", str(model.absolute()), "--store", f"lmdb:{store.absolute()}")
        listening = ("--http-port", str(http_port), "--grpc-port", str(grpc_port))
        python = in_tree(tree) if tree else [sys.executable]
        return [*python, "-m", "model.serving.server", *where, *options, *listening]

    return command


def in_tree(tree: Path) -> list[str]:
    """Python of this environment on another commit's sources."""
    root = str(tree.absolute())
    return ["env", "-C", root, f"PYTHONPATH={root}", sys.executable]


@contextmanager
def pinned(name: str, start: Command, cores: Sequence[int], scratch: Path) -> Iterator[Live]:
    """A server on these cores, ready; its log is scratch/name.log. This process takes another core where there is one,
    else the same."""
    everything = os.sched_getaffinity(0)
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    listed = ",".join(map(str, cores))
    arguments = ["taskset", "-c", listed, *start(backend.http_port, backend.grpc_port)]
    os.sched_setaffinity(0, (everything - set(cores)) or everything)
    try:
        began = time.perf_counter()
        with running(name, arguments, scratch / f"{name}.log") as process:
            wait_ready(process, backend, READY_S)
            ready_s = time.perf_counter() - began
            yield Live(process=process, backend=backend, ready_s=ready_s, cores=len(cores))
    finally:
        os.sched_setaffinity(0, everything)


def client_core(cores: Sequence[int]) -> str:
    """Whether the client has a core of its own."""
    return "own" if os.sched_getaffinity(0) - set(cores) else "shared with the server"
