"""Routes beside the one that KServe writes, for a service in Standard mode behind the Gateway API.

    testers   a request whose header x-aisle-version names a version goes there, whatever the split
    shadow    stable answers every inference request, and a copy of each goes to the canary; its answers are dropped

KServe owns the route `aisle` and matches all paths by a regular expression; a rule that matches a path exactly, or a
header besides, comes before it. The gateway's policies name routes, so each route here brings its own, made from those
of manifests/components/gateway: without them it would be a proxy that asks for no key.
"""

from pathlib import Path
from typing import Any

import yaml

from components.inference_service.traffic import NAME, Version
from model.request_log.routing_headers import VERSION_HEADER

Manifest = dict[str, Any]
"""An object of Kubernetes, or a part of one."""
GATEWAY = {"name": "kserve-ingress-gateway", "namespace": "kserve"}
HOST = "aisle-aisle.example.com"
"""KServe makes it from name, namespace and its ingress domain: yours is in its route `aisle`."""
ROUTE = "gateway.networking.k8s.io"
INFER = f"/v2/models/{NAME}/infer"


def testers(stable: Version, canary: Version, namespace: str, policies: Path) -> list[Manifest]:
    """The header override; `policies` is the file of the gateway's policies."""
    paths = [{"type": "Exact", "value": INFER}, {"type": "RegularExpression", "value": "^/.*$"}]
    rules = [
        {
            "matches": [
                {"path": path, "headers": [{"type": "Exact", "name": VERSION_HEADER, "value": side}]} for path in paths
            ],
            "backendRefs": [_backend(version)],
        }
        for side, version in (("stable", stable), ("canary", canary))
    ]
    return [_route("aisle-testers", namespace, rules), *_policies("aisle-testers", policies)]


def shadow(stable: Version, canary: Version, namespace: str, policies: Path, percent: int) -> list[Manifest]:
    """A copy of `percent` (1 to 100) of the inference requests over REST to the canary."""
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": _backend(canary), "percent": percent}}
    rule = {
        "matches": [{"path": {"type": "Exact", "value": INFER}}],
        "filters": [mirror],
        "backendRefs": [_backend(stable)],
    }
    return [_route("aisle-shadow", namespace, [rule]), *_policies("aisle-shadow", policies)]


def _route(name: str, namespace: str, rules: list[Manifest]) -> Manifest:
    return {
        "apiVersion": f"{ROUTE}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"parentRefs": [GATEWAY], "hostnames": [HOST], "rules": rules},
    }


def _backend(version: Version) -> Manifest:
    """The Service of a version's predictor, as KServe names it."""
    return {"name": f"{NAME}-{version.predictor}-predictor", "port": 80}


def _policies(route: str, path: Path) -> list[Manifest]:
    policies: list[Manifest] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for policy in policies:
        policy["metadata"]["name"] = route
        policy["spec"]["targetRefs"] = [{"group": ROUTE, "kind": "HTTPRoute", "name": route}]
    return policies
