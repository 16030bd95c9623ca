"""A measured command: what it takes, how it ends, and that it is ended when it takes too much."""

import sys

from benchmarks.harness.process import run

HOLD = "import time; held = bytearray(100 * 10**6); time.sleep(1)"


def python(*lines: str) -> list[str]:
    return [sys.executable, "-c", "\n".join(lines)]


def test_memory_counts_the_command_and_its_children() -> None:
    child = f"subprocess.run([sys.executable, '-c', {HOLD!r}])"
    ended = run(python("import subprocess, sys", "held = bytearray(100 * 10**6)", child))
    assert ended.code == 0 and not ended.over_limit
    assert 200 < ended.peak_mb < 300
    assert ended.seconds >= 1


def test_a_command_that_takes_more_than_its_limit_is_ended() -> None:
    ended = run(python("import time", "held = bytearray(300 * 10**6)", "time.sleep(60)"), limit_mb=200)
    assert ended.over_limit and ended.code != 0
    assert ended.seconds < 30


def test_the_exit_code_is_the_commands_own() -> None:
    assert run(python("raise SystemExit(3)")).code == 3
