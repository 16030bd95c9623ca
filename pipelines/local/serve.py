"""Serves the stable model of a finished run on loopback, with the run's live state."""

import json
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from components.rollout.local.processes import Backend, running, server_command, wait_ready
from model.errors import InputError, StoreUnavailable
from model.registry.model_registry import Registry
from model.serving.history.store import open_store
from model.serving.history.values import newest_s
from pipelines.arguments import model_in, writable_directory
from pipelines.local.run_directory import Paths
from tfx_configs.units import DAY_S

POLL_S = 0.2
OLD_DAYS = 7
"""A store whose newest event is older is a warning: the model reads the days since each purchase."""


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
        if warning := old_data(paths.store, time.time()):
            print(warning, file=sys.stderr, flush=True)
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


def old_data(store: Path, now_s: float) -> str:
    """A warning in one line where the newest event of the embedded store is OLD_DAYS before now or more, else empty.

    It has the `request_time` that asks as of the moment after that event.
    """
    if not store.is_dir():
        return ""
    state = open_store(str(store), max_history=1)
    try:
        newest = newest_s(state.records(), enough_s=int(now_s) - OLD_DAYS * DAY_S)
    except StoreUnavailable:
        return ""  # the server, which reads it too, reports why
    finally:
        state.close()
    days = int(now_s - newest) // DAY_S if newest is not None else 0
    if newest is None or days < OLD_DAYS:
        return ""
    moment = datetime.fromtimestamp(newest + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    tensor = {"name": "request_time", "shape": [1], "datatype": "BYTES", "data": [moment]}
    return (
        f"warning: the newest event is {days:,} days old, and without request_time the model is asked as of now; "
        f"send the input {json.dumps(tensor)}"
    )


def check_free(option: str, port: int) -> None:
    """Raises InputError when `port` is no port, or another program listens on it."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        raise InputError(f"{option}: expected a free port, {port} is taken or not a port; choose another") from None
