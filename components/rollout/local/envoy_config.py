"""Envoy's configuration, as plain data: one door in front of a stable and a canary server.

Routing, the same for REST and gRPC:
  x-aisle-version: stable | canary   that server, or an error when it is down (for people and tests)
  x-user-id: ...                     sticky: a hash of the shopper picks the side, so nobody flips between models, and
                                     the shoppers in a 10 % canary are among those in a 50 % one
  neither                            at random by weight
  a shadow, where there is one       a copy of a share of the above goes to the canary's server, and its answer nowhere:
                                     Envoy waits for neither that server nor its answer
  POST /events                       either server, for both write to the same store
Every weighted side is an aggregate cluster with the other side behind it: when one dies, the other answers. The
response header x-aisle-version says who answered (`stable` or `canary`); it comes from the endpoint's metadata, so it
stays true under failover.

Weights live in a file of their own (RDS), watched by Envoy; the bootstrap never changes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.request_log.routing_headers import SHADOW_HEADER, USER_HEADER, VERSION_HEADER

STABLE = "stable"
CANARY = "canary"
ROUTES = "aisle"
READY_PATH = "/v2/models/aisle/ready"

_TYPE = "type.googleapis.com/envoy."
_OTHER = {STABLE: CANARY, CANARY: STABLE}
_RETRY = {
    "retry_on": "connect-failure,refused-stream,reset,gateway-error,unavailable",
    "num_retries": 2,
    "retry_priority": {
        "name": "envoy.retry_priorities.previous_priorities",
        "typed_config": {
            "@type": f"{_TYPE}extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            "update_frequency": 1,
        },
    },
    "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.05s"},
}
_BREAKERS = {"thresholds": [{"priority": "DEFAULT", "max_retries": 1024}]}
"""Envoy allows three retries at a time by default: under load, a dying canary's other requests would get a 503."""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One model server on this machine."""

    http_port: int
    grpc_port: int


def routes(percent: int, revision: str, timeout_s: float = 5.0, shadow_percent: int = 0) -> dict[str, Any]:
    """The RDS file, known to Envoy as version `revision`.

    Args:
        percent: share of the shoppers that the canary serves, 0 to 100.
        shadow_percent: share of the requests that it gets a copy of, 0 to 100; only while it serves nobody.
    """
    for name, value in (("percent", percent), ("shadow_percent", shadow_percent)):
        if not 0 <= value <= 100:
            raise ValueError(f"{name}: expected 0 to 100, got {value}")
    if percent and shadow_percent:
        raise ValueError(f"shadow_percent: expected 0 while the canary serves {percent} %, got {shadow_percent}")
    grpc = {"prefix": "/inference.GRPCInferenceService/", "grpc": {}}
    events = {"match": {"path": "/events"}, "route": _to(f"{STABLE}_first", timeout_s)}
    kinds = ((grpc, "_grpc"), ({"prefix": "/"}, ""))
    split = [_split(match, suffix, percent, shadow_percent, timeout_s) for match, suffix in kinds]
    table = [events, *split[0], *split[1]]
    resource = {
        "@type": f"{_TYPE}config.route.v3.RouteConfiguration",
        "name": ROUTES,
        # Envoy skips an update whose content is what it has, and keeps the old version: the name makes each one new.
        "virtual_hosts": [{"name": revision, "domains": ["*"], "routes": table}],
        "response_headers_to_add": [
            {
                "header": {"key": VERSION_HEADER, "value": "%UPSTREAM_METADATA(aisle:version)%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
    return {"version_info": revision, "resources": [resource]}


def bootstrap(stable: Backend, canary: Backend, rds_file: Path) -> dict[str, Any]:
    """The start-up file. Listener and admin ports are 0: the kernel chooses, Envoy reports."""
    backends = {STABLE: stable, CANARY: canary}
    clusters = [_cluster(side, backend, grpc) for side, backend in backends.items() for grpc in (False, True)]
    clusters += [_aggregate(side, suffix) for side in backends for suffix in ("", "_grpc")]
    manager = {
        "@type": f"{_TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "aisle",
        "codec_type": "AUTO",
        "rds": {
            "route_config_name": ROUTES,
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": {"path": str(rds_file), "watched_directory": {"path": str(rds_file.parent)}},
            },
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "name": "aisle",
        "address": _address(0),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    return {
        "node": {"id": "aisle", "cluster": "aisle"},
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _split(
    match: dict[str, Any], suffix: str, percent: int, shadow_percent: int, timeout_s: float
) -> list[dict[str, Any]]:
    forced = [
        {
            "match": match | {"headers": [{"name": VERSION_HEADER, "string_match": {"exact": side}}]},
            "route": {"cluster": f"{side}{suffix}", "timeout": f"{timeout_s}s"},
        }
        for side in (STABLE, CANARY)
    ]
    weights = {STABLE: 100 - percent, CANARY: percent}
    clusters = [{"name": f"{side}_first{suffix}", "weight": weight} for side, weight in weights.items()]
    common: dict[str, Any] = {"timeout": f"{timeout_s}s", "retry_policy": _RETRY}
    if shadow_percent:
        common["request_mirror_policies"] = [_mirror(f"{CANARY}{suffix}", shadow_percent)]
    sticky = {
        "match": match | {"headers": [{"name": USER_HEADER, "present_match": True}]},
        "route": common
        | {
            "weighted_clusters": {"clusters": clusters, "use_hash_policy": True},
            "hash_policy": [{"header": {"header_name": USER_HEADER}}],
        },
    }
    by_chance = {"match": match, "route": common | {"weighted_clusters": {"clusters": clusters}}}
    return [*forced, sticky, by_chance]


def _mirror(cluster: str, percent: int) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "runtime_fraction": {"default_value": {"numerator": percent, "denominator": "HUNDRED"}},
        "request_headers_mutations": [
            {
                "append": {
                    "header": {"key": SHADOW_HEADER, "value": "1"},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            }
        ],
    }


def _to(cluster: str, timeout_s: float) -> dict[str, Any]:
    return {"cluster": cluster, "timeout": f"{timeout_s}s", "retry_policy": _RETRY}


def _cluster(side: str, backend: Backend, grpc: bool) -> dict[str, Any]:
    """Both clusters of a server are health-checked through its HTTP readiness: KServe has no gRPC health service."""
    endpoint = {
        "address": _address(backend.grpc_port if grpc else backend.http_port),
        "health_check_config": {"port_value": backend.http_port},
    }
    name = f"{side}_grpc" if grpc else side
    cluster = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": endpoint, "metadata": {"filter_metadata": {"aisle": {"version": side}}}}
                    ]
                }
            ],
        },
        "circuit_breakers": _BREAKERS,
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": READY_PATH, "codec_client_type": "HTTP1"},
            }
        ],
    }
    if grpc:
        options = f"{_TYPE}extensions.upstreams.http.v3.HttpProtocolOptions"
        cluster["typed_extension_protocol_options"] = {
            options.removeprefix("type.googleapis.com/"): {
                "@type": options,
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        }
    return cluster


def _aggregate(side: str, suffix: str) -> dict[str, Any]:
    return {
        "name": f"{side}_first{suffix}",
        "connect_timeout": "0.5s",
        "lb_policy": "CLUSTER_PROVIDED",
        "circuit_breakers": _BREAKERS,
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {
                "@type": f"{_TYPE}extensions.clusters.aggregate.v3.ClusterConfig",
                "clusters": [f"{side}{suffix}", f"{_OTHER[side]}{suffix}"],
            },
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
