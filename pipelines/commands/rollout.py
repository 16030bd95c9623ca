"""`aisle rollout ACTION`. Exit 0: done; 1: held, rolled back, or changed in between by another; 2: bad input."""

import argparse
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError

if TYPE_CHECKING:
    from components.rollout.traffic_adapter import TrafficAdapter

ACTIONS = {
    "status": "show the steps taken: declared and observed split, decisions",
    "canary": "begin the rollout of the canary that push declared, or of --version (on a cluster push begins it)",
    "step": "take one step: traffic, evidence, decision; exit 1 if it holds or rolls back",
    "shadow": "send the canary copies of replayed requests, serve no shopper, and compare its answers with stable's",
    "promote": "let the canary serve all shoppers, at once and regardless of the evidence",
    "rollback": "let stable serve all shoppers, at once; after a promotion, the version before it",
    "hold": "keep the share until resume; a step still rolls back a canary that does harm",
    "resume": "take steps again after a hold",
}


ONLY_HERE = {
    "canary": "push declares a cluster's canary; run pipelines/compiled/cluster.yaml",
    "shadow": "a cluster's gateway makes the copies; compare those in its request log with --log LOG",
}
"""Actions that are about a run on this machine: what to do on a cluster."""


def rollout_commands(commands: Any) -> None:
    """Adds `rollout` and its actions to the subparsers of `aisle`."""
    words = "canary, step, promote, roll back"
    rollout = commands.add_parser(
        "rollout", help=words, description=f"A rollout on this machine, or with --namespace on a cluster: {words}."
    )
    actions = rollout.add_subparsers(metavar="ACTION", required=True)
    for name, does in ACTIONS.items():
        action = actions.add_parser(name, help=does, description=does)
        action.set_defaults(command=COMMANDS.get(name, _command), action=name)
        action.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a run (%(default)s)")
        here = name in ONLY_HERE
        action.add_argument(
            "--namespace",
            help=argparse.SUPPRESS  # accepted only to name what to do instead
            if here
            else "the service in this namespace of the current cluster (KUBECONFIG), instead of a run here",
        )
        if name == "step":
            action.add_argument("--prometheus", metavar="URL", help="with --namespace: where the metrics are")
        if name in ("canary", "shadow"):
            action.add_argument("--version", help="a version in the registry (default: what push declared)")
        if name == "shadow":
            action.add_argument("--requests", type=int, default=500, help="trips to replay (%(default)s)")
            action.add_argument(
                "--percent", type=int, default=100, help="percent of them that the canary gets a copy of (%(default)s)"
            )
            action.add_argument("--log", metavar="LOG", help="compare the copies in this request log, without a replay")


def _only_here(options: argparse.Namespace) -> None:
    if options.namespace is not None:
        raise InputError(f"rollout {options.action}: expected no --namespace: {ONLY_HERE[options.action]}")


def _loading() -> None:
    print("loading both models, some ten seconds; then trips as traffic", flush=True)


def _status(options: argparse.Namespace) -> int:
    print(_adapter(options).status().line())
    if not options.namespace:
        from pipelines.commands.output import record_lines
        from pipelines.local.rollout_operator import RunTraffic

        for line in record_lines(RunTraffic(run=options.run).record()):
            print(line)
    return 0


def _canary(options: argparse.Namespace) -> int:
    from pipelines.local.rollout_operator import RunTraffic

    _only_here(options)
    print(RunTraffic(run=options.run).declare(options.version, getpass.getuser()).line())
    return 0


def _command(options: argparse.Namespace) -> int:
    from components.rollout.decision.states import Command

    print(_adapter(options).command(Command(options.action), getpass.getuser()).line())
    return 0


def _adapter(options: argparse.Namespace) -> "TrafficAdapter":
    if options.namespace:
        from components.inference_service.cluster_client import KubeCluster
        from components.rollout.kserve.cluster_rollout import ClusterTraffic

        return ClusterTraffic(cluster=KubeCluster(options.namespace))
    from pipelines.local.rollout_operator import RunTraffic

    return RunTraffic(run=options.run)


def _step(options: argparse.Namespace) -> int:
    from pipelines.commands.output import step_line

    if options.namespace:
        from components.rollout.kserve.cluster_rollout import PLAN, step_in

        if not options.prometheus:
            raise InputError("expected --prometheus URL with --namespace, got none; say where the metrics are")
        decision = step_in(options.namespace, options.prometheus, PLAN)
        print(f"{decision.action} at {decision.percent} %: {'; '.join(decision.reasons)}")
        return 0 if decision.action in ("step", "promote") else 1
    from pipelines.local.rollout_operator import RunTraffic

    record = RunTraffic(run=options.run).step(on_load=_loading).steps[-1]
    print(step_line(record))
    return 0 if record.decision in ("step", "promote") else 1


def _shadow(options: argparse.Namespace) -> int:
    from pipelines.local.shadow import compared, shadow, shadow_lines

    _only_here(options)
    if options.log:
        comparison = compared(options.log)
    else:
        comparison = shadow(options.run, options.version, options.requests, options.percent, on_load=_loading)
    for line in shadow_lines(comparison):
        print(line)
    return 1 if comparison.failed_requests or comparison.unanswered else 0


COMMANDS = {"status": _status, "canary": _canary, "step": _step, "shadow": _shadow}
