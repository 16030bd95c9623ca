"""Functions that test_environments calls across the border; imported by an interpreter that lacks pytest."""

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from model.errors import CheckFailed, InputError


def echo(value: Any) -> dict[str, Any]:
    return {"value": value, "pid": os.getpid(), "has_tfdv": find_spec("tensorflow_data_validation") is not None}


def fail(kind: str, message: str) -> None:
    raise {"InputError": InputError, "CheckFailed": CheckFailed, "TypeError": TypeError}[kind](message)


def leave(code: int) -> None:
    os._exit(code)


def hang(pid_file: str) -> None:
    Path(pid_file).write_text(str(os.getpid()))
    time.sleep(60)
