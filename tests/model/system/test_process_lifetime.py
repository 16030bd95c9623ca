import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "model.system.process_lifetime", str(os.getpid()), "sleep", "60"])
time.sleep(float(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT, "1"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes()
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _running(child)


def test_a_child_of_another_process_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model.system.process_lifetime", "1", "sleep", "60"],
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert done.returncode == 1
    assert "the parent process has ended" in done.stderr


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
