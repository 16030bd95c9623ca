"""Tie a process's life to its parent's, so that not even a killed parent leaves an orphan (Linux only).

`python -m model.system.process_lifetime PID COMMAND...` becomes COMMAND, which the kernel kills when its parent, PID,
ends.
"""

import ctypes
import os
import select
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """The kernel will send SIGKILL to this process when the parent's thread that started it ends; Linux only.

    The setting outlives exec. Exits at once when the parent is gone already.
    """
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        sys.exit("the parent process has ended")


def end_with(pid: int) -> None:
    """This process is killed when process `pid`, an ancestor or not, has ended; at once when it has; Linux only."""
    if sys.platform != "linux":
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        sys.exit(f"process {pid} has ended")

    def watch() -> None:
        select.select([handle], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
