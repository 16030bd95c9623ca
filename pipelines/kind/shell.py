"""Runs programs of the machine. An exit code other than 0 is a StageFailed that names the program."""

import subprocess

from model.errors import StageFailed


def run(*command: str, stdin: str | None = None) -> None:
    """Runs a command with its output shown; raises StageFailed when it fails."""
    print(f"+ {' '.join(command)}", flush=True)
    done = subprocess.run(command, input=stdin, text=True, check=False)
    if done.returncode:
        raise StageFailed(f"{command[0]}: expected exit 0, got {done.returncode}; its output is above")


def output(*command: str) -> str:
    """The output of a command; raises StageFailed, with its error message, when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageFailed(f"{' '.join(command)}: expected exit 0, got {done.returncode} ({done.stderr.strip()[:200]})")
    return done.stdout


def succeeds(*command: str) -> bool:
    """Whether a command ends with 0; its output is not shown."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def transcript(*command: str) -> tuple[int, str]:
    """Runs a command with its output shown; returns (exit code, output)."""
    print(f"+ {' '.join(command)}", flush=True)
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)
