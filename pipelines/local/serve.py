"""Serves the stable model of a finished run on loopback, with the run's live state."""

import socket
import time
from pathlib import Path

from components.rollout.local.processes import Backend, running, server_command, wait_ready
from model.errors import InputError
from model.registry.model_registry import Registry
from pipelines.arguments import model_in, writable_directory
from pipelines.local.run_directory import Paths

POLL_S = 0.2


def serve_stable(
    run: Path, http_port: int, grpc_port: int, rules: Path | None = None, request_log: Path | None = None
) -> int:
    """Runs until Ctrl-C or SIGTERM, then drains; returns 0. Its output is in RUN/serve.log.

    Args:
        rules: rules file that replaces the model's own rules (docs/reranking.md).
        request_log: directory of the request log (docs/serving.md); None: no log.

    Raises:
        InputError: the model or the rules file is missing or damaged, or a port is taken.
        StageFailed: the server did not start or has ended.
    """
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)
    stable = registry.state().stable
    if stable is None:
        raise InputError(f"{run}: expected a registry with a stable model, got none; run `aisle demo` first")
    model_in("--run", registry.path(stable), rules)
    if request_log is not None:
        writable_directory("--request-log", request_log)
    if http_port == grpc_port:
        raise InputError(f"--grpc-port: expected another port than --http-port, got {grpc_port} for both")
    for option, port in (("--http-port", http_port), ("--grpc-port", grpc_port)):
        check_free(option, port)
    backend = Backend(http_port=http_port, grpc_port=grpc_port)
    command = server_command(registry.path(stable), paths.store, backend)
    if rules is not None:
        command += ["--rules", str(rules.resolve())]
    if request_log is not None:
        command += ["--request-log", str(request_log.resolve())]
    print(f"{stable}: loading, some ten seconds; the log is {paths.out / 'serve.log'}", flush=True)
    with running("server", command, paths.out / "serve.log") as process:
        wait_ready(process, backend)
        print(
            f"ready: http://127.0.0.1:{http_port}/v2/models/aisle/infer  gRPC 127.0.0.1:{grpc_port}  Ctrl-C ends",
            flush=True,
        )
        try:
            while True:
                process.check_alive()
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            return 0


def check_free(option: str, port: int) -> None:
    """Raises InputError when `port` is no port, or another program listens on it."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        raise InputError(f"{option}: expected a free port, {port} is taken or not a port; choose another") from None
