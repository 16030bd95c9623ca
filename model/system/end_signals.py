"""SIGTERM and SIGINT as a condition to wait for."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def end_signals() -> Iterator[Callable[[float], bool]]:
    """Yields a function that waits so many seconds for SIGTERM or SIGINT, and returns whether it came, now or before.

    Handled, not blocked: the SDK has threads of its own, and any of them may get the signal.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda seconds: bool(select.select([reading], [], [], seconds)[0])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
