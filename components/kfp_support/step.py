"""Marks where a pipeline stage starts, ends or fails, for the live display and the report."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from components.kfp_support.progress import STAGE_VARIABLE, progress
from model.system.process_lifetime import end_with

PIPELINE_VARIABLE = "AISLE_PIPELINE_PID"
"""Process of a local run: its stages end with it. KFP puts a shell between the two, which would hide its end."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """All progress inside belongs to stage `name`; an error is recorded, with its exit code, and raised again."""
    if PIPELINE_VARIABLE in os.environ:
        end_with(int(os.environ[PIPELINE_VARIABLE]))
    started = time.monotonic()
    os.environ[STAGE_VARIABLE] = name
    try:
        progress("started", state="start")
        yield
    except BaseException as error:
        message = " ".join(str(error).split()) or type(error).__name__
        progress(message, state="failed", error=type(error).__name__, exit_code=getattr(error, "exit_code", None))
        raise
    else:
        progress("done", state="done", seconds=round(time.monotonic() - started, 2))
    finally:
        del os.environ[STAGE_VARIABLE]
