"""`aisle rollout ACTION`. Exit 0: done; 1: a step held or rolled back, or a change came between; 2: bad input."""

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from model.errors import InputError
from pipelines.commands.options import DEMO_RUN, RunDirectory
from pipelines.commands.rollout_watch import Log, Plan, Purchases, read_plan, watch

if TYPE_CHECKING:
    from components.rollout.traffic_adapter import TrafficAdapter

app = typer.Typer(
    help="Canary, step, promote, roll back.\n\nOf a run on this machine, or with --namespace on a cluster."
)
Namespace = Annotated[
    str | None,
    Option(metavar="NAME", help="the service in this namespace of the current cluster (KUBECONFIG), not a run here"),
]
NoNamespace = Annotated[str | None, Option("--namespace", hidden=True)]
"""Of an action that only a run on this machine has; taken to name what to do on a cluster instead."""
RegistryVersion = Annotated[
    str | None, Option("--version", help="a version in the registry (default: what push declared)")
]


@app.command()
def status(run: RunDirectory = DEMO_RUN, namespace: Namespace = None) -> int:
    """Show the steps taken: declared and observed split, decisions."""
    print(_adapter(run, namespace).status().text())
    if namespace is None:
        from pipelines.commands.output import text
        from pipelines.local.rollout_operator import RunTraffic

        record = RunTraffic(run=run).record()
        if lines := text("rollout", steps=record.steps, history=record.history):
            print(lines)
    return 0


@app.command()
def canary(run: RunDirectory = DEMO_RUN, version: RegistryVersion = None, namespace: NoNamespace = None) -> int:
    """Begin the rollout of the canary that push declared.

    Or that of --version. On a cluster push begins it.
    """
    from pipelines.local.rollout_operator import RunTraffic

    if namespace is not None:
        raise InputError(
            "rollout canary: expected no --namespace: push declares a cluster's canary; "
            "run pipelines/compiled/cluster.yaml"
        )
    print(RunTraffic(run=run).declare(version, getpass.getuser()).line())
    return 0


@app.command()
def step(
    run: RunDirectory = DEMO_RUN,
    namespace: Namespace = None,
    prometheus: Annotated[str | None, Option(metavar="URL", help="with --namespace: address of the metrics")] = None,
    log: Log = None,
    purchases: Purchases = None,
    plan: Plan = None,
) -> int:
    """Take one step: traffic, evidence, decision.

    Exit 1 if it holds or rolls back.
    """
    if namespace:
        from components.rollout.kserve.single_step import step_in
        from components.rollout.kserve.sources import check_plan

        if not prometheus:
            raise InputError("expected --prometheus URL with --namespace, got none; name the address of the metrics")
        settings = read_plan(plan)
        check_plan(settings, log, purchases)
        decision = step_in(namespace, prometheus, settings, log=log, purchases=purchases)
        print(f"{decision.action} at {decision.percent} %: {'; '.join(decision.reasons)}")
        return 0 if decision.action in ("step", "promote") else 1
    from pipelines.commands.output import text
    from pipelines.local.rollout_operator import RunTraffic

    record = RunTraffic(run=run).step(on_load=_loading).steps[-1]
    print(text("rollout", steps=[record], history=()))
    return 0 if record.decision in ("step", "promote") else 1


@app.command()
def shadow(
    run: RunDirectory = DEMO_RUN,
    version: RegistryVersion = None,
    requests: Annotated[int, Option(help="trips to replay")] = 500,
    percent: Annotated[int, Option(help="percent of them that the canary gets a copy of")] = 100,
    log: Annotated[
        str | None, Option(metavar="LOG", help="compare the copies in this request log, without a replay")
    ] = None,
    namespace: NoNamespace = None,
) -> int:
    """Compare the canary's answers to copies of requests with stable's.

    The requests are replayed trips; no shopper gets the canary's answers.
    """
    from pipelines.commands.output import text
    from pipelines.local.shadow import compared
    from pipelines.local.shadow import shadow as replay_to_both

    if namespace is not None:
        raise InputError(
            "rollout shadow: expected no --namespace: a cluster's gateway makes the copies; "
            "compare those in its request log with --log LOG"
        )
    comparison = compared(log) if log else replay_to_both(run, version, requests, percent, on_load=_loading)
    print(text("shadow", c=comparison))
    return 1 if comparison.failed_requests or comparison.unanswered else 0


def _operation(name: str) -> Callable[..., int]:
    def operate(run: RunDirectory = DEMO_RUN, namespace: Namespace = None) -> int:
        return order(_adapter(run, namespace), name)

    return operate


def order(rollout: "TrafficAdapter", name: str) -> int:
    """Gives the command of that name as the user who is logged in, and prints what came of it."""
    from components.rollout.decision.states import Command

    print(rollout.command(Command(name), getpass.getuser()).line())
    return 0


for _name, _help in {
    "promote": "Let the canary serve all shoppers.\n\nAt once, and regardless of the evidence.",
    "rollback": "Let stable serve all shoppers.\n\nAt once; after a promotion, the version before it.",
    "hold": "Freeze the share until resume.\n\nA step still rolls back a canary that does harm.",
    "resume": "Take steps again after a hold.",
}.items():
    app.command(_name, help=_help)(_operation(_name))
app.command()(watch)


def _adapter(run: RunDirectory, namespace: str | None) -> "TrafficAdapter":
    if namespace:
        from components.inference_service.cluster_client import Cluster
        from components.rollout.kserve.cluster_rollout import ClusterTraffic

        return ClusterTraffic(cluster=Cluster(namespace))
    from pipelines.local.rollout_operator import RunTraffic

    return RunTraffic(run=run)


def _loading() -> None:
    print("loading both models, some ten seconds; then trips as traffic", flush=True)
