"""The real command `aisle` for tests: run to its end, or started and watched, with what it leaves behind."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AISLE = Path(sys.prefix) / "bin" / "aisle"
STOP_S = 30.0


def aisle(*arguments: str | Path, timeout_s: float = 500) -> "subprocess.CompletedProcess[str]":
    """Runs the command to its end."""
    command = [str(part) for part in (AISLE, *arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)


@contextmanager
def started(*arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """Starts the command in a process group of its own, as a shell does; it is killed when the block ends."""
    command = [str(part) for part in (AISLE, *arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def events(out: Path) -> list[dict[str, Any]]:
    """Progress events of the last run in `out`."""
    file = out / "progress.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def ran(out: Path) -> set[str]:
    """Names of the stages that the last run in `out` started, and did not take from its cache."""
    return {event["stage"] for event in events(out) if event.get("state") == "start"}


def processes(out: Path) -> dict[int, str]:
    """{pid: command line} of the running processes that work in `out`, this one left out."""
    lines = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(out) in line and int(entry.name) != os.getpid():
            lines[int(entry.name)] = line
    return lines


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 240) -> Any:
    """The first value of `condition` that is true; fails when the time is up."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.05)
    return value


def forget_events(out: Path) -> None:
    """Removes the last run's events, so that those of the next run in `out` cannot be confused with them."""
    (out / "progress.jsonl").unlink(missing_ok=True)


def wait_for_stage(process: "subprocess.Popen[str]", out: Path, stage: str) -> None:
    """Returns when the run has started `stage`; fails when it ends before."""

    def begun() -> bool:
        assert process.poll() is None, process.communicate()
        return stage in ran(out)

    wait_for(begun, f"the start of {stage}")


def assert_nothing_runs(out: Path) -> None:
    """Fails when a process of the run in `out` is still there after a moment."""
    wait_for(lambda: not processes(out), f"the end of {processes(out)}", timeout_s=5)
