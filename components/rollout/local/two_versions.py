"""A stable and a canary server on one store, with Envoy before them and a client of it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.rollout.local.envoy_config import CANARY, STABLE
from components.rollout.local.envoy_process import Proxy, proxy
from components.rollout.local.processes import SERVER_MODULE, Server, model_server, wait_ready
from components.rollout.local.v2_client import Client


@dataclass(frozen=True, kw_only=True)
class TwoVersions:
    """What runs: the servers, stable's first; the proxy; and a client of the proxy."""

    servers: tuple[Server, Server]
    proxy: Proxy
    client: Client


@contextmanager
def two_versions(
    *,
    stable_dir: Path,
    canary_dir: Path,
    store: Path,
    workdir: Path,
    max_history: int,
    server_module: str = SERVER_MODULE,
) -> Iterator[TwoVersions]:
    """Runs both until the block ends; leaves their logs and request logs, and Envoy's files, in `workdir`.

    Args:
        stable_dir, canary_dir: model directories.
        store: live state that both servers share.
    """
    with ExitStack() as stack:
        stable, canary = (
            stack.enter_context(model_server(side, directory, store, workdir, max_history, server_module))
            for side, directory in ((STABLE, stable_dir), (CANARY, canary_dir))
        )
        for process, backend in (stable, canary):
            wait_ready(process, backend)
        envoy = stack.enter_context(proxy(stable[1], canary[1], workdir))
        client = stack.enter_context(closing(Client(envoy.port)))
        yield TwoVersions(servers=(stable, canary), proxy=envoy, client=client)
