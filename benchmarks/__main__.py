"""`python -m benchmarks NAME`: runs one benchmark; the result is build/bench/NAME.json."""

import functools
import importlib
import sys
from typing import Any

import typer
from threadpoolctl import threadpool_limits

from benchmarks.harness.result_file import write_result

MODULES = {
    "ablation": "ablation",
    "abuse": "abuse",
    "abuse-soak": "abuse.soak",
    "cadence": "cadence",
    "calibration": "robustness.calibration",
    "data": "data",
    "demo": "demo",
    "experiment": "rollout.experiment",
    "fuzz": "serving.fuzz",
    "labels": "robustness.labels",
    "latency": "serving.latency",
    "monitoring": "monitoring",
    "noise": "robustness",
    "offpolicy": "offpolicy",
    "quality": "quality",
    "refresh": "cadence.refresh",
    "rerank": "rerank",
    "rollout": "rollout",
    "serving": "serving",
    "shipping": "serving.shipping",
    "shops": "shops",
    "soak": "serving.soak",
}
"""{name: module under benchmarks/, or package whose __main__ it is}."""
ONE_BLAS_THREAD = {"ablation", "noise", "rerank"}


def command(name: str) -> typer.Typer:
    """A benchmark's main with the command line options of its signature; what it returns, if anything, is written."""
    package = f"benchmarks.{MODULES[name]}"
    if hasattr(importlib.import_module(package), "__path__"):
        package += ".__main__"
    module = importlib.import_module(package)

    @functools.wraps(module.main)
    def measure(**options: Any) -> None:
        if (result := module.main(**options)) is not None:
            print(write_result(name, result, module.SEED))

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=module.__doc__)(measure)
    return app


def run(name: str, *arguments: str) -> None:
    """Calls a benchmark."""
    with threadpool_limits(1 if name in ONE_BLAS_THREAD else None, "blas"):
        command(name)(arguments, prog_name=f"python -m benchmarks {name}")


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in MODULES:
        print(f"aisle: expected one benchmark of {', '.join(MODULES)}, got {sys.argv[1:]}", file=sys.stderr)
        sys.exit(2)
    run(*sys.argv[1:])
