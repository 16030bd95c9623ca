"""Child processes end with us, however often we are interrupted, and find their ports free."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import psutil
import pytest

from components.rollout.local import processes
from components.rollout.local.processes import free_port, running, wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def test_an_interrupt_while_a_process_is_stopped_comes_once_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_GRACE_S", 0.6)
    log = tmp_path / "log"
    started: list[int] = []

    def interrupted() -> None:
        impatient = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        with running("stubborn", [sys.executable, "-c", STUBBORN], log) as process:
            started.append(process.pid)
            wait_until(lambda: "up" in log.read_text(), process, "up", 10)
            impatient.start()

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not psutil.pid_exists(started[0])


def test_a_free_port_is_assigned_to_no_other_program_and_a_server_may_listen_there() -> None:
    ports = [free_port() for _ in range(500)]
    others = set()
    for _ in range(3000):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            others.add(other.getsockname()[1])
    assert len(set(ports)) == 500 and not others & set(ports)
    with socket.create_server(("127.0.0.1", ports[0])) as server:
        assert server.getsockname()[1] == ports[0]
