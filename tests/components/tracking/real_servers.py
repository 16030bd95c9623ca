"""The real servers on loopback: Kubeflow Model Registry on PostgreSQL, and MLflow on SQLite."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from components.rollout.local.processes import free_port, running, wait_until
from model.system.programs import find_program
from tests.components.ingest.postgres_server import postgres_server

READY_S = 300


@contextmanager
def model_registry(workdir: Path) -> Iterator[str]:
    """The address of an empty registry."""
    with postgres_server(workdir) as database:
        at = urlsplit(database)
        address = f"host={at.hostname} port={at.port} user={at.username} dbname=postgres sslmode=disable"
        options = ("--embedmd-database-type", "postgres", "--embedmd-database-dsn", address)
        port = free_port()
        command = [find_program("model-registry") or "", "proxy", "--port", str(port), *options]
        with _serving(command, workdir / "registry.log", f"http://127.0.0.1:{port}", "/readyz/health") as url:
            yield url


@contextmanager
def mlflow(workdir: Path) -> Iterator[str]:
    """The address of an empty tracking server."""
    port, store = free_port(), f"sqlite:///{workdir / 'mlflow.db'}"
    options = ("--port", str(port), "--backend-store-uri", store, "--artifacts-destination", str(workdir / "artifacts"))
    command = [find_program("mlflow") or "", "server", *options, "--workers", "1"]
    with _serving(command, workdir / "mlflow.log", f"http://127.0.0.1:{port}", "/health") as url:
        yield url


@contextmanager
def _serving(command: list[str], log: Path, url: str, ready: str) -> Iterator[str]:
    environment = {"MLFLOW_DISABLE_TELEMETRY": "true", "HOME": os.environ["HOME"]}
    with running(command[0], command, log, environment) as process:
        wait_until(lambda: _answers(url + ready), process, "an answer", READY_S)
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False
