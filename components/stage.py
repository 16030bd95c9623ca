"""Marks where a pipeline stage starts, ends or fails, so that a live display and the report can tell."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from components.progress import FILE_VARIABLE, STAGE_VARIABLE, progress
from model.parent import die_with_parent


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Everything said inside belongs to stage `name`; an error is noted, with its exit code, and raised again."""
    if os.environ.get(FILE_VARIABLE):
        die_with_parent(os.getppid())  # a local run: nothing outlives the pipeline
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
