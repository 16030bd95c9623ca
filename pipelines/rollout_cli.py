"""`aisle rollout ACTION`. Exit 0: done; 1: the machine held or rolled back, or somebody came between; 2: bad input."""

import argparse
import getpass
from pathlib import Path
from typing import Any, cast

ACTIONS = {
    "status": "steps taken, declared and observed split, decisions",
    "canary": "begins the rollout of the canary that push declared, or of --version",
    "step": "one step: traffic, evidence, decision; exit 1 when it is hold or rollback",
    "promote": "the canary serves everybody, at once and whatever the evidence",
    "rollback": "stable serves everybody, at once; after a promotion the version before it",
    "hold": "the share stays until resume; a step still rolls back what does harm",
    "resume": "steps are taken again",
}


def rollout_commands(commands: Any) -> None:
    """Adds `rollout` and its actions to the subparsers of `aisle`."""
    words = "canary, step, promote, roll back"
    rollout = commands.add_parser("rollout", help=words, description=f"A rollout on this machine: {words}.")
    actions = rollout.add_subparsers(metavar="ACTION", required=True)
    for name, does in ACTIONS.items():
        action = actions.add_parser(name, help=does, description=does)
        action.set_defaults(command=COMMANDS.get(name, _hand), hand=name)
        action.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a run (%(default)s)")
        if name == "canary":
            action.add_argument("--version", help="a version in the registry (default: what push declared)")


def _status(options: argparse.Namespace) -> int:
    from components.rollout.status import read_status
    from pipelines.closing import status_lines

    for line in status_lines(read_status(options.run / "rollout")):
        print(line)
    return 0


def _canary(options: argparse.Namespace) -> int:
    from pipelines.closing import status_lines
    from pipelines.rollout import declare

    print(next(status_lines(declare(options.run, options.version, getpass.getuser()))))
    return 0


def _hand(options: argparse.Namespace) -> int:
    from components.rollout.machine import Hand
    from pipelines.closing import status_lines
    from pipelines.rollout import act

    print(next(status_lines(act(options.run, cast(Hand, options.hand), getpass.getuser()))))
    return 0


def _step(options: argparse.Namespace) -> int:
    from pipelines.closing import step_line
    from pipelines.rollout import step

    print("loading both models, some ten seconds; then trips as traffic", flush=True)
    record = step(options.run).steps[-1]
    print(step_line(record))
    return 0 if record["decision"] in ("step", "promote") else 1


COMMANDS = {"status": _status, "canary": _canary, "step": _step}
