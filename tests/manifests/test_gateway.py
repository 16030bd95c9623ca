"""The gateway: which clients are admitted, by which way, and how long a request may take."""

from typing import Any

import pytest

from model.request_log.routing_headers import SHADOW_HEADER
from model.serving.admission.limits import Limits
from pipelines.manifests.render import rollout_routes
from tests.manifests.overlays import of_kind


def _traffic(overlay: str) -> dict[str, dict[str, Any]]:
    """{name: BackendTrafficPolicy}"""
    return {policy["metadata"]["name"]: policy for policy in of_kind(overlay, "BackendTrafficPolicy")}


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_every_route_hands_on_whole_bodies_of_bounded_size_and_limits_each_key(overlay: str) -> None:
    (runtime,) = of_kind(overlay, "ServingRuntime")
    named = [arg.partition("=")[2] for arg in runtime["spec"]["containers"][0]["args"] if "client-header" in arg]
    policies = _traffic(overlay)
    assert set(policies) == {"aisle", "aisle-events"}
    for policy in policies.values():
        assert policy["spec"]["requestBuffer"] == {"limit": f"{Limits().max_body_kb // 1024}Mi"}
        (rule,) = policy["spec"]["rateLimit"]["local"]["rules"]
        assert rule["clientSelectors"] == [{"headers": [{"name": named[0], "type": "Distinct"}]}]


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_the_gateway_admits_no_client_without_a_key_or_token(overlay: str) -> None:
    policies = {policy["metadata"]["name"]: policy for policy in of_kind(overlay, "SecurityPolicy")}
    policy, traffic = policies["aisle"], _traffic(overlay)["aisle"]
    assert policy["spec"]["targetRefs"] == traffic["spec"]["targetRefs"]
    # KServe makes a route for the service, and one for its predictor.
    assert [target["name"] for target in policy["spec"]["targetRefs"]] == ["aisle", "aisle-predictor"]
    assert ("apiKeyAuth" in policy["spec"]) != ("jwt" in policy["spec"])
    assert policy["spec"].get("apiKeyAuth", {"sanitize": True})["sanitize"], "no server sees a key"


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_what_no_route_allows_is_denied_and_every_route_of_ours_has_a_policy_of_its_own(overlay: str) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(overlay, "SecurityPolicy")}
    assert policies["deny"]["targetRefs"][0]["kind"] == "Gateway"
    assert policies["deny"]["authorization"] == {"defaultAction": "Deny"}
    targets = {target["name"] for spec in policies.values() for target in spec["targetRefs"]}
    assert targets == {"kserve-ingress-gateway", "aisle", "aisle-predictor", "aisle-events"}
    assert {route["metadata"]["name"] for route in of_kind(overlay, "HTTPRoute")} <= targets


def test_a_key_that_may_ask_is_not_one_that_may_write() -> None:
    keys = {
        policy["metadata"]["name"]: policy["spec"]["apiKeyAuth"]["credentialRefs"][0]["name"]
        for policy in of_kind("kind", "SecurityPolicy")
        if "apiKeyAuth" in policy["spec"]
    }
    assert keys == {"aisle": "aisle-api-keys", "aisle-events": "aisle-write-keys"}
    scopes = {
        policy["metadata"]["name"]: policy["spec"]["authorization"]["rules"][0]["principal"]["jwt"]["scopes"]
        for policy in of_kind("prod", "SecurityPolicy")
        if "jwt" in policy["spec"]
    }
    assert scopes == {"aisle": ["aisle.ask"], "aisle-events": ["aisle.write"]}


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_no_client_sends_what_only_proxies_set(overlay: str) -> None:
    (policy,) = of_kind(overlay, "ClientTrafficPolicy")
    removed = policy["spec"]["headers"]["earlyRequestHeaders"]["remove"]
    (runtime,) = of_kind(overlay, "ServingRuntime")
    named = [arg.partition("=")[2] for arg in runtime["spec"]["containers"][0]["args"] if "client-header" in arg]
    assert removed == [SHADOW_HEADER, *named]
    for security in of_kind(overlay, "SecurityPolicy"):
        assert security["spec"].get("apiKeyAuth", {}).get("forwardClientIDHeader", named[0]) == named[0]


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_each_permission_has_a_port_that_only_its_clients_reach(overlay: str) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(overlay, "NetworkPolicy")}
    reached: dict[int, set[str]] = {}
    for rule in policies["predictor"]["ingress"]:
        (who,) = rule["from"]
        pods = who.get("podSelector", {}).get("matchLabels", {})
        spaces = who.get("namespaceSelector", {}).get("matchLabels", {"": "aisle"}).values()
        label = f"{next(iter(spaces))} {','.join(sorted(pods))}".strip()
        for port in rule["ports"]:
            reached.setdefault(port["port"], set()).add(label)
    proxies = "envoy-gateway-system app.kubernetes.io/component,app.kubernetes.io/managed-by"
    assert reached == {
        8080: {proxies, "kubeflow pipelines.kubeflow.org/v2_component"},
        8081: {proxies},
        8082: {proxies},
        8083: {"aisle aisle.dev/may-erase"},
        9091: {"monitoring"},
    }
    (runtime,) = of_kind(overlay, "ServingRuntime")
    assert {port["containerPort"] for port in runtime["spec"]["containers"][0]["ports"]} == set(reached)


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_a_request_may_take_as_long_on_kserves_routes_as_on_ours(overlay: str) -> None:
    """KServe writes predictor.timeout into its routes, else 60 s, and a route's timeout comes before a policy's."""
    (service,), traffic = of_kind(overlay, "InferenceService"), _traffic(overlay)["aisle"]
    assert f"{service['spec']['predictor']['timeout']}s" == traffic["spec"]["timeout"]["http"]["requestTimeout"]


@pytest.mark.parametrize("name", rollout_routes())
def test_a_route_beside_kserves_admits_no_client_without_a_key_either(name: str) -> None:
    route, security, traffic = rollout_routes()[name]
    assert (security["kind"], traffic["kind"]) == ("SecurityPolicy", "BackendTrafficPolicy")
    assert security["spec"]["targetRefs"] == traffic["spec"]["targetRefs"]
    assert [target["name"] for target in security["spec"]["targetRefs"]] == [route["metadata"]["name"]]
    assert "apiKeyAuth" in security["spec"]


def test_a_tester_names_a_version_by_the_header_that_the_servers_know_and_the_shadow_serves_no_client() -> None:
    (testers, *_), (shadow, *_) = rollout_routes()["testers.yaml"], rollout_routes()["shadow.yaml"]
    named = {
        match["headers"][0]["value"]: rule["backendRefs"][0]["name"]
        for rule in testers["spec"]["rules"]
        for match in rule["matches"]
        if match["headers"][0]["name"] == "x-aisle-version"
    }
    stable, canary = "aisle-v5b1e9a0c7d21-predictor", "aisle-vc0ffee123456-predictor"
    assert named == {"stable": stable, "canary": canary}
    (rule,) = shadow["spec"]["rules"]
    assert [backend["name"] for backend in rule["backendRefs"]] == [stable]
    assert rule["filters"][0]["requestMirror"]["backendRef"]["name"] == canary


def test_production_takes_tls_only() -> None:
    assert [listener["protocol"] for listener in of_kind("prod", "Gateway")[0]["spec"]["listeners"]] == ["HTTPS"]
