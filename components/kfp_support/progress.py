"""Progress of a stage: lines in its own output, and in a file that a live display follows."""

import json
import os
import time
from typing import Any, TypedDict

FILE_VARIABLE = "AISLE_PROGRESS_FILE"
STAGE_VARIABLE = "AISLE_STAGE"
"""Set by components.kfp_support.step for the time of a stage; child processes inherit it."""


class ProgressEvent(TypedDict, total=False):
    """One line of that file."""

    time: float
    """Unix seconds."""
    stage: str | None
    message: str
    state: str
    """start, done or failed; absent between them."""
    error: str
    """Class of the error of a failed stage."""
    exit_code: int | None
    seconds: float
    """That a finished stage took."""


def progress(message: str, **fields: Any) -> None:
    """Prints the message; appends it with the fields as one JSON line to $AISLE_PROGRESS_FILE when that is set."""
    print(message, flush=True)
    path = os.environ.get(FILE_VARIABLE)
    if path:
        entry = {"time": time.time(), "stage": os.environ.get(STAGE_VARIABLE), "message": message, **fields}
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")
