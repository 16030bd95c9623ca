"""Child processes end with us, however often we are interrupted."""

import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from components.rollout import processes
from components.rollout.processes import running, wait_until

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
