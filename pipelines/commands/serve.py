"""`aisle serve`."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.commands.options import DEMO_RUN, Rules, RunDirectory


def serve(
    run: RunDirectory = DEMO_RUN,
    http_port: Annotated[int, Option(help="REST port")] = 8080,
    grpc_port: Annotated[int, Option(help="gRPC port")] = 8081,
    rules: Rules = None,
    request_log: Annotated[
        Path | None, Option(metavar="DIR", help="log a row for each answer to this directory")
    ] = None,
) -> int:
    """Serve a run's stable model on 127.0.0.1.

    REST and gRPC of KServe's v2 protocol, until Ctrl-C.
    """
    from pipelines.local.serve import serve_stable

    return serve_stable(run, http_port, grpc_port, rules, request_log)
