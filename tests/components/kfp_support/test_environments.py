"""Which interpreter a step runs on, and what crosses the border."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from components.kfp_support import environments
from components.kfp_support.environments import call
from model.errors import CheckFailed, InputError, StageFailed

HERE = "tests.components.border"


def test_a_validate_step_runs_where_tfdv_is_and_brings_its_result_back() -> None:
    answer = call("validate", f"{HERE}:echo", {"value": [1, "two", None]})
    assert answer["value"] == [1, "two", None]
    assert answer["has_tfdv"]
    assert answer["pid"] != os.getpid()


def test_a_step_whose_packages_are_here_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(environments._MARKERS, "validate", "json")
    assert call("validate", f"{HERE}:echo", {"value": 1})["pid"] == os.getpid()


@pytest.mark.parametrize("kind", [InputError, CheckFailed])
def test_a_deliberate_error_arrives_with_its_type_and_message(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="expected tea, got coffee"):
        call("validate", f"{HERE}:fail", {"kind": kind.__name__, "message": "expected tea, got coffee"})


def test_any_other_error_is_a_failed_stage_whose_traceback_was_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StageFailed, match="ended with exit code 1"):
        call("validate", f"{HERE}:fail", {"kind": "TypeError", "message": "a bug"})
    assert "TypeError: a bug" in capfd.readouterr().err


def test_a_child_that_ends_without_an_answer_is_a_failed_stage() -> None:
    with pytest.raises(StageFailed, match="ended with exit code 9"):
        call("validate", f"{HERE}:leave", {"code": 9})


def test_a_missing_interpreter_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISLE_VALIDATE_PYTHON", "/nowhere/python")
    with pytest.raises(StageFailed, match=r"expected a Python at /nowhere/python, found none; run `make setup`"):
        call("validate", f"{HERE}:echo", {"value": 1})


def test_the_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    request = f"'validate', '{HERE}:hang', {{'pid_file': {str(pid_file)!r}}}"
    code = f"from components.kfp_support.environments import call; call({request})"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=environments.ROOT)
    child = int(_wait_for(lambda: pid_file.exists() and pid_file.read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _wait_for(lambda: not _running(child))


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def _wait_for(condition: Any, timeout_s: float = 20.0) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("waited in vain")
