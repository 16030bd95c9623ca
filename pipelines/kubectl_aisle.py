"""`kubectl aisle ACTION`: the rollout of a service on the current cluster.

kubectl finds it on the PATH as kubectl-aisle.

The same functions as `aisle rollout ... --namespace`, with the namespace of the kubeconfig's context. Exit codes are
those of `aisle`.
"""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

if TYPE_CHECKING:
    from components.rollout.kserve.cluster_rollout import ClusterTraffic

WATCH_S = 2.0
app = typer.Typer(
    help="The rollout of Aisle's service on the current cluster.", pretty_exceptions_enable=False, rich_markup_mode=None
)
Namespace = Annotated[
    str | None, Option("--namespace", "-n", metavar="NAME", help="of the service (default: the context's, else aisle)")
]


@app.command()
def status(
    namespace: Namespace = None,
    watch: Annotated[
        bool, Option("--watch", "-w", help="print it again whenever it changes, until interrupted")
    ] = False,
) -> int:
    """Show the roles, the declared share, KServe's status, the pods and the route's weights."""
    rollout, shown = _rollout(namespace), ""
    while True:
        text = rollout.status().text()
        if text != shown:
            print(text, flush=True)
        if not watch:
            return 0
        shown = text
        time.sleep(WATCH_S)


@app.command()
def history(namespace: Namespace = None) -> int:
    """Show what was done and why, oldest first."""
    for line in _rollout(namespace).history():
        print(line)
    return 0


@app.command()
def export(namespace: Namespace = None) -> int:
    """Print what push and rollout have declared, as manifests for Git.

    Applied over an overlay, a lost service has its versions again.
    """
    import yaml

    from components.inference_service.service_export import exported

    print(yaml.safe_dump_all(exported(_rollout(namespace).cluster), sort_keys=False), end="")
    return 0


@app.command()
def promote(namespace: Namespace = None) -> int:
    """Let the canary serve all shoppers.

    Once it has the pods for them, and regardless of the evidence.
    """
    return _order("promote", namespace)


@app.command()
def rollback(namespace: Namespace = None) -> int:
    """Let stable serve all shoppers.

    At once; after a promotion, the version before it.
    """
    return _order("rollback", namespace)


@app.command()
def pause(namespace: Namespace = None) -> int:
    """Freeze the share until resume.

    A canary that does harm is still rolled back.
    """
    return _order("hold", namespace)


@app.command()
def resume(namespace: Namespace = None) -> int:
    """Take steps again after a pause."""
    return _order("resume", namespace)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one action; returns the exit code."""
    from pipelines.cli import run

    return run(typer.main.get_command(app), "kubectl aisle", list(sys.argv[1:] if argv is None else argv))


def _order(name: str, namespace: str | None) -> int:
    from pipelines.commands.rollout import order

    return order(_rollout(namespace), name)


def _rollout(namespace: str | None) -> "ClusterTraffic":
    from components.inference_service.cluster_client import Cluster, context_namespace
    from components.rollout.kserve.cluster_rollout import ClusterTraffic

    return ClusterTraffic(cluster=Cluster(namespace or context_namespace()))


if __name__ == "__main__":
    sys.exit(main())
