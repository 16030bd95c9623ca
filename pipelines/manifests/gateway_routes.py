"""Routes beside the one that KServe writes, for a service in Standard mode behind the Gateway API.

    testers   a request whose header x-aisle-version names a version goes there, whatever the split
    shadow    stable answers every inference request over REST, and the canary gets a copy; its answers are dropped

KServe owns the route `aisle` and matches all paths by a regular expression; a rule that matches a path exactly, or a
header besides, comes before it. The gateway's policies name routes, so each route here brings its own, made from those
of manifests/components/gateway: without them it would be a proxy that asks for no key.
"""

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.inference_service.traffic import NAME, Version
from model.request_log.routing_headers import VERSION_HEADER

Manifest = dict[str, Any]
"""An object of Kubernetes, or a part of one."""
HOST = "aisle-aisle.example.com"
"""KServe makes it from name, namespace and its ingress domain: yours is in its route `aisle`."""
_GROUP = "gateway.networking.k8s.io"
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined)


def route(kind: str, stable: Version, canary: Version, namespace: str, policies: Path) -> list[Manifest]:
    """The route `testers` or `shadow` with its own policies; `policies` is the file of the gateway's."""
    text = _TEMPLATES.get_template(f"{kind}.yaml.jinja").render(
        group=_GROUP,
        namespace=namespace,
        host=HOST,
        header=VERSION_HEADER,
        infer=f"/v2/models/{NAME}/infer",
        stable=_service(stable),
        canary=_service(canary),
    )
    objects: list[Manifest] = [yaml.safe_load(text), *yaml.safe_load_all(policies.read_text(encoding="utf-8"))]
    name = objects[0]["metadata"]["name"]
    for policy in objects[1:]:
        policy["metadata"]["name"] = name
        policy["spec"]["targetRefs"] = [{"group": _GROUP, "kind": "HTTPRoute", "name": name}]
    return objects


def _service(version: Version) -> str:
    """The Service of a version's predictor, as KServe names it."""
    return f"{NAME}-{version.predictor}-predictor"
