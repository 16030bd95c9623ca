"""The gateway: which clients are admitted, by which way, and how long a request may take."""

import pytest

from pipelines.manifests.render import rollout_routes
from tests.manifests.overlays import of_kind


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_the_gateway_admits_no_client_without_a_key_or_token(overlay: str) -> None:
    (policy,), (traffic,) = of_kind(overlay, "SecurityPolicy"), of_kind(overlay, "BackendTrafficPolicy")
    assert policy["spec"]["targetRefs"] == traffic["spec"]["targetRefs"]
    # KServe makes a route for the service, and one for its predictor.
    assert [target["name"] for target in policy["spec"]["targetRefs"]] == ["aisle", "aisle-predictor"]
    assert ("apiKeyAuth" in policy["spec"]) != ("jwt" in policy["spec"])
    assert policy["spec"].get("apiKeyAuth", {"sanitize": True})["sanitize"], "no server sees a key"


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_a_request_may_take_as_long_on_kserves_routes_as_on_ours(overlay: str) -> None:
    """KServe writes predictor.timeout into its routes, else 60 s, and a route's timeout comes before a policy's."""
    (service,), (traffic,) = of_kind(overlay, "InferenceService"), of_kind(overlay, "BackendTrafficPolicy")
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
