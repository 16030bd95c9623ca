"""Child processes that never outlive ours: model servers and Envoy, on loopback, with their output in a log file."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3

from model.errors import StageFailed

SERVER_MODULE = "model.serving.server"
READY_PATH = "/v2/models/aisle/ready"
READY_TIMEOUT_S = 180.0
STORE = "store"
"""Directory of the live state of all servers that share a work directory."""
REQUESTS = "requests"
"""Directory of the request log of all servers that share a work directory (model/request_log/reader.py)."""
STOP_GRACE_S = 15.0
DEADLINE_MS = 2000
"""A replay sends as fast as it can and compares models: the machine's spare time must not choose what answers."""
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One model server on this machine."""

    http_port: int
    grpc_port: int


class Process:
    """A running child: its pid, its log, and how it is stopped."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.log = log
        self._popen = popen

    def check_alive(self) -> None:
        """Raises StageFailed, with the log's last lines, when the process has ended."""
        code = self.exit_code
        if code is not None:
            raise StageFailed(f"{self.name}: ended with exit code {code}; its log ends: {self.last_lines()}")

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._popen.poll()

    def last_lines(self, count: int = 5) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return " | ".join(line.strip() for line in lines[-count:]) or f"(empty: {self.log})"

    def cpu_s(self) -> float:
        """CPU seconds used so far, user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS_PER_S

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._popen.kill()
        self._popen.wait()

    def stop(self) -> None:
        """SIGTERM, time to drain, then SIGKILL, to it and to what it started. Returns when it is gone."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(STOP_GRACE_S)
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: int) -> None:
        """Signals the whole process group, of which it is the leader (see `running`)."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


Server = tuple[Process, Backend]
"""A model server and where it listens."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """An interrupt that comes meanwhile is delivered at the end: a second Ctrl-C must not leave half of us running."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def running(
    name: str, command: Sequence[str], log: Path, extra_environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Runs `command` until the block ends, however it ends; were we killed, the kernel would end it.

    In a session of its own, so that Ctrl-C reaches us alone and the children are stopped in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    launcher = [sys.executable, "-m", "model.system.process_lifetime", str(os.getpid()), *command]
    with log.open("wb") as output:
        popen = subprocess.Popen(
            launcher,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | (extra_environment or {}),
        )
    process = Process(name, popen, log)
    try:
        yield process
    finally:
        with _undisturbed():
            process.stop()


def server_command(model_dir: Path, store: Path, backend: Backend, module: str = SERVER_MODULE) -> list[str]:
    """The command line of a model server on loopback."""
    command = [sys.executable, "-m", module, "--host-loopback", "--model-dir", str(model_dir), "--store", str(store)]
    return [*command, "--http-port", str(backend.http_port), "--grpc-port", str(backend.grpc_port)]


@contextmanager
def model_server(
    name: str,
    model_dir: Path,
    workdir: Path,
    max_history: int,
    module: str = SERVER_MODULE,
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """Starts a model server on free ports; wait for it with `wait_ready`, so that several can start side by side.

    Live state is in {workdir}/store. Leaves {workdir}/{name}.log, and its rows of the log in {workdir}/requests.
    """
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    command = [*server_command(model_dir, workdir / STORE, backend, module), "--max-history", str(max_history)]
    command += ["--request-log", str(workdir / REQUESTS), "--deadline-ms", str(DEADLINE_MS), *options]
    with running(name, command, workdir / f"{name}.log") as process:
        yield process, backend


def wait_ready(process: Process, backend: Backend, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Returns when the server answers on its readiness path; raises StageFailed with its log's last lines."""
    wait_until(lambda: get(backend.http_port, READY_PATH)[0] == 200, process, "ready", timeout_s)


def wait_until(condition: Callable[[], bool], process: Process, what: str, timeout_s: float) -> None:
    """Polls `condition` every 20 ms; raises StageFailed when the process ends or the time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        process.check_alive()
        if time.monotonic() > deadline:
            raise StageFailed(
                f"{process.name}: expected {what} within {timeout_s:.0f} s; its log ends: {process.last_lines()}"
            )
        time.sleep(0.02)


def get(port: int, path: str, timeout_s: float = 5.0) -> tuple[int, bytes]:
    """(status, body) of a GET on loopback; (0, b"") when nothing answers."""
    with urllib3.HTTPConnectionPool("127.0.0.1", port, timeout=timeout_s, retries=False) as pool:
        try:
            response = pool.request("GET", path)
        except urllib3.exceptions.HTTPError:
            return 0, b""
        return response.status, response.data


def free_port() -> int:
    """A port that no program listens on. For a minute the kernel assigns it to no program that does not name it.

    It has a connection that its own side closed first (TIME_WAIT): beside that only a server with SO_REUSEADDR may
    listen, as all of ours do, and no client's end is put there.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        with socket.create_connection(listening.getsockname()) as client:
            listening.accept()[0].close()
            client.recv(1)
        return int(listening.getsockname()[1])
