"""`python -m pipelines.kind STEP`: what manifests/kind/cluster.sh leaves to Python, on kind's cluster `aisle`.

secrets: made where they are missing. demo: a training run to a ready canary, then questions through the gateway.
"""

import argparse
import sys
from collections.abc import Sequence

from model.errors import INTERRUPTED, AisleError, InputError
from pipelines.kind.shell import output

CONTEXT = "kind-aisle"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one step; returns 0, or 1 or 2 with one line on stderr."""
    steps = {step.__name__: step for step in (secrets, demo)}
    parser = argparse.ArgumentParser(prog="python -m pipelines.kind", description=__doc__)
    parser.add_argument("step", choices=steps)
    try:
        steps[parser.parse_args(argv).step]()
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("aisle: interrupted; a run that KFP has started continues there", file=sys.stderr)
        return INTERRUPTED
    return 0


def secrets() -> None:
    """Makes the secrets that are missing."""
    from pipelines.kind.cluster_secrets import make_secrets

    check_context()
    make_secrets()


def demo() -> None:
    """Trains up to a ready canary, in KFP where it is installed and else here, and asks it through the gateway."""
    from pipelines.kind.cluster_demo import demonstrate
    from pipelines.kind.kubectl import KubectlCluster

    check_context()
    demonstrate(KubectlCluster())


def check_context() -> None:
    """Raises InputError unless kubectl's current context is kind's cluster: no step changes another."""
    if CONTEXT not in output("kubectl", "config", "get-contexts", "--output=name").split():
        raise InputError("expected kind's cluster aisle, found none; run `make kind-up`")
    current = output("kubectl", "config", "current-context").strip()
    if current != CONTEXT:
        raise InputError(
            f"expected kubectl's context {CONTEXT}, got {current}; run `kubectl config use-context {CONTEXT}`"
        )


if __name__ == "__main__":
    sys.exit(main())
