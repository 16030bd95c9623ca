"""Measures how long a few milliseconds of work take on this machine, judged as AisleStageSlow judges a stage."""

import threading
import time
from collections import deque
from types import TracebackType

PERIOD_S = 0.04
WORK_S = 0.004
"""CPU time of a stage of a healthy server."""
SLOW_S = 0.015
"""Waiting that is more than this, added to a stage's own time, comes to the rule's 25 ms."""
WINDOW_S = 5.0
"""The rule's ten minutes, where time passes 120 times faster."""
ALLOWED = 0.01


class CpuProbe:
    """Works for WORK_S every PERIOD_S; `starved` once more than ALLOWED of a WINDOW_S waited SLOW_S for a core."""

    def __init__(self) -> None:
        self.starved = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CpuProbe":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        slow: deque[float] = deque()
        while not self._end.wait(PERIOD_S):
            began, worked = time.monotonic(), time.thread_time()
            while time.thread_time() - worked < WORK_S:
                pass
            now = time.monotonic()
            if now - began - WORK_S > SLOW_S:
                slow.append(now)
            while slow and slow[0] < now - WINDOW_S:
                slow.popleft()
            self.starved = self.starved or len(slow) > ALLOWED * WINDOW_S / PERIOD_S
