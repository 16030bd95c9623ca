"""Serves the stable model of a finished run on loopback, with the run's live state."""

import os
import subprocess
import sys
from pathlib import Path

from components.rollout.processes import SERVER_MODULE
from model.errors import InputError
from model.registry import Registry


def serve_stable(run: Path, http_port: int, grpc_port: int) -> int:
    """Runs until it is interrupted; returns the server's exit code. Raises InputError when there is no model."""
    registry = Registry(run / "registry")
    stable = registry.state().stable
    if stable is None:
        raise InputError(f"expected a registry with a stable model in {run}, found none; run `aisle demo` first")
    print(f"{stable} on http://127.0.0.1:{http_port}/v2/models/aisle/infer and gRPC 127.0.0.1:{grpc_port}; Ctrl-C ends")
    command = [sys.executable, "-m", SERVER_MODULE, "--die-with-parent", str(os.getpid())]
    command += ["--model-dir", str(registry.path(stable)), "--store", str(run / "rollout" / "store")]
    command += ["--http-port", str(http_port), "--grpc-port", str(grpc_port), "--host-loopback"]
    return subprocess.run(command, check=False).returncode
