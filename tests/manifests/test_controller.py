"""What KServe's controller makes of a canary, a promotion and a rollback, of a model alone and of model and code."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.inference_service.readiness import canary_ready
from components.inference_service.shift import Patience, put, wait
from components.inference_service.traffic import Traffic, Version, on_runtime, promoted, read, rolled_back, with_canary
from model.errors import CheckFailed, InputError
from pipelines.manifests.render import CANARY, STABLE
from pipelines.manifests.runtime import renamed_runtime
from tests.manifests.api_server import kubectl
from tests.manifests.controller import WAIT_S, Site, controlled_server, until
from tests.manifests.overlays import objects, of_kind
from tests.manifests.rendered_gateway import HOST, kserves_route
from tests.needs import CLUSTER, CONTROLLER, OWN_SERVER

pytestmark = pytest.mark.needs("kubectl", CLUSTER, OWN_SERVER, CONTROLLER)

NEWER_IMAGE = "aisle.invalid/serve:0.2.0"
NEWER_CODE = replace(CANARY, runtime="aisle-0-2-0")
NEXT = Version(name="2018-01-01-0123456789ab", uri="s3://mlpipeline/v2/artifacts/aisle-training/run-3/model")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with controlled_server(tmp_path_factory.mktemp("controller")) as site:
        yield site


@pytest.fixture
def begun(site: Site) -> Traffic:
    """A ready stable version, and a canary at 10 % that is not ready yet."""
    stable = Traffic(stable=STABLE)
    site.stop()
    put(site.cluster, stable)
    site.start(STABLE.predictor)
    until(lambda: site.weights() == {f"aisle-{STABLE.predictor}-predictor": 100}, "the route to stable alone")
    traffic = with_canary(stable, CANARY, 10)
    put(site.cluster, traffic)
    return traffic


def _at(site: Site, percent: int) -> None:
    """The route has the canary at this share."""
    shares = {f"aisle-{STABLE.predictor}-predictor": 100 - percent, f"aisle-{CANARY.predictor}-predictor": percent}
    wanted = {name: share for name, share in shares.items() if share}
    split = until(lambda: {n: s for n, s in site.weights().items() if s} == wanted, f"{wanted}, found {site.weights()}")
    assert split


def test_a_canary_gets_a_deployment_a_service_and_its_weight_once_it_is_ready(site: Site, begun: Traffic) -> None:
    until(lambda: site.get("deployment", f"aisle-{CANARY.predictor}-predictor"), "the canary's Deployment")
    until(lambda: site.get("service", f"aisle-{CANARY.predictor}-predictor"), "the canary's Service")
    assert f"aisle-{CANARY.predictor}-predictor" not in {name for name, share in site.weights().items() if share}
    site.start(CANARY.predictor)
    wait(site.cluster, Patience(ready_s=WAIT_S), canary_ready("Standard", CANARY.predictor, 10, None), "canary", None)
    _at(site, 10)
    assert _as_rendered(site) == _rule(
        {f"aisle-{STABLE.predictor}-predictor": 90, f"aisle-{CANARY.predictor}-predictor": 10}
    )
    put(site.cluster, replace(begun, percent=50))
    _at(site, 50)


def _rule(shares: dict[str, int]) -> dict[str, Any]:
    rule: dict[str, Any] = kserves_route(shares)["spec"]["rules"][0]
    return rule


def _as_rendered(site: Site) -> dict[str, Any]:
    """The rule for all paths of the route that KServe wrote: what tests/manifests/test_split.py gives to egctl."""
    route = site.get("httproute", "aisle")
    assert route is not None and route["spec"]["hostnames"] == [HOST]
    rule: dict[str, Any] = route["spec"]["rules"][-1]
    return rule


def test_a_promotion_keeps_the_canarys_deployment_and_takes_stables_away(site: Site, begun: Traffic) -> None:
    site.start(CANARY.predictor)
    _at(site, 10)
    before = site.get("deployment", f"aisle-{CANARY.predictor}-predictor")
    put(site.cluster, replace(begun, percent=100))
    _at(site, 100)
    put(site.cluster, promoted(begun))
    until(lambda: site.get("deployment", f"aisle-{STABLE.predictor}-predictor") is None, "the old Deployment to go")
    after = site.get("deployment", f"aisle-{CANARY.predictor}-predictor")
    assert before is not None and after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["template"] == before["spec"]["template"]  # its pods stay
    _at(site, 100)
    assert read(site.cluster.record()).previous == STABLE
    put(site.cluster, Traffic(stable=STABLE))


def test_a_rollback_takes_the_canary_away_and_leaves_stable_as_it_is(site: Site, begun: Traffic) -> None:
    site.start(CANARY.predictor)
    _at(site, 10)
    before = site.get("deployment", f"aisle-{STABLE.predictor}-predictor")
    put(site.cluster, replace(begun, percent=0))
    _at(site, 0)
    put(site.cluster, rolled_back(begun))
    until(lambda: site.get("deployment", f"aisle-{CANARY.predictor}-predictor") is None, "the canary to go")
    after = site.get("deployment", f"aisle-{STABLE.predictor}-predictor")
    assert before is not None and after is not None and after["spec"] == before["spec"]
    _at(site, 0)


def test_a_canary_that_is_never_ready_gets_no_request(site: Site, begun: Traffic) -> None:
    ready = canary_ready("Standard", CANARY.predictor, 10, None)
    with pytest.raises(CheckFailed, match="expected ready within 5 s"):
        wait(site.cluster, Patience(ready_s=5), ready, "canary", CANARY.predictor)
    _at(site, 0)
    put(site.cluster, rolled_back(begun))


@pytest.fixture
def coded(site: Site) -> Traffic:
    """A ready stable version, a second runtime beside its own, and a canary on that one without requests."""
    assert NEWER_IMAGE not in _images(of_kind("kind", "ServingRuntime")[0]["spec"]["containers"])
    second = renamed_runtime(objects("kind"), NEWER_CODE.runtime, NEWER_IMAGE)
    done = kubectl(site.kubeconfig, "apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(second))
    assert done.returncode == 0, done.stderr
    site.stop()
    put(site.cluster, Traffic(stable=STABLE))
    site.start(STABLE.predictor)
    until(lambda: site.weights() == {f"aisle-{STABLE.predictor}-predictor": 100}, "the route to stable alone")
    traffic = with_canary(Traffic(stable=STABLE), on_runtime(Traffic(stable=STABLE), CANARY, NEWER_CODE.runtime), 0)
    put(site.cluster, traffic)
    site.start(CANARY.predictor)
    return traffic


def _versions(predictor: dict[str, Any]) -> tuple[str, str, str]:
    return predictor["name"], predictor["model"]["storageUri"], predictor["model"]["runtime"]


def _images(containers: list[dict[str, Any]]) -> set[str]:
    return {container["image"] for container in containers}


def _pods(site: Site, version: Version) -> tuple[str, int, dict[str, Any]]:
    """(uid, generation, template) of its Deployment: while they are equal, no pod restarts."""
    name = f"aisle-{version.predictor}-predictor"
    deployment = until(lambda: site.get("deployment", name), f"deployment {name}")
    return deployment["metadata"]["uid"], deployment["metadata"]["generation"], deployment["spec"]["template"]


def _code(site: Site, version: Version) -> set[str]:
    """Images of its pods, the one that fetches the model left out."""
    return _images(_pods(site, version)[2]["spec"]["containers"])


def test_a_canary_brings_its_own_code_at_every_share_and_a_promotion_restarts_nothing(
    site: Site, coded: Traffic
) -> None:
    older_code = _images(of_kind("kind", "ServingRuntime")[0]["spec"]["containers"])
    stable, canary = _pods(site, STABLE), _pods(site, CANARY)
    for percent in (0, 10, 50, 100):
        put(site.cluster, replace(coded, percent=percent))
        _at(site, percent)
        assert (_code(site, STABLE), _code(site, CANARY)) == (older_code, {NEWER_IMAGE})
        assert (_pods(site, STABLE), _pods(site, CANARY)) == (stable, canary)
    after = promoted(coded)
    put(site.cluster, after)
    until(lambda: site.get("deployment", f"aisle-{STABLE.predictor}-predictor") is None, "the old Deployment to go")
    until(lambda: site.cluster.service()["status"].get("servingRuntimeName") == NEWER_CODE.runtime, "its runtime")
    _at(site, 100)
    assert _pods(site, CANARY) == canary
    assert read(site.cluster.record()) == Traffic(stable=NEWER_CODE, previous=STABLE)

    put(site.cluster, with_canary(after, on_runtime(after, NEXT, ""), 10))
    assert _code(site, NEXT) == {NEWER_IMAGE}
    put(site.cluster, after)
    until(lambda: site.get("deployment", f"aisle-{NEXT.predictor}-predictor") is None, "the next canary to go")
    assert _pods(site, CANARY) == canary

    put(site.cluster, with_canary(after, STABLE, 0))  # what was before comes back with the code of that time
    assert _code(site, STABLE) == older_code and _pods(site, CANARY) == canary


def test_a_rollback_of_code_and_model_leaves_stable_with_its_own_code(site: Site, coded: Traffic) -> None:
    before = _pods(site, STABLE)
    put(site.cluster, replace(coded, percent=50))
    _at(site, 50)
    put(site.cluster, replace(coded, percent=0))
    _at(site, 0)
    put(site.cluster, rolled_back(coded))
    until(lambda: site.get("deployment", f"aisle-{CANARY.predictor}-predictor") is None, "the canary to go")
    assert _pods(site, STABLE) == before
    assert read(site.cluster.record()) == Traffic(stable=STABLE)


@pytest.mark.parametrize("how", [["--server-side", "--force-conflicts"], []], ids=["server-side", "client-side"])
def test_the_overlay_applied_again_moves_no_version_to_other_code(site: Site, coded: Traffic, how: list[str]) -> None:
    put(site.cluster, replace(coded, percent=10))
    _at(site, 10)
    put(site.cluster, promoted(coded))
    until(lambda: site.get("deployment", f"aisle-{STABLE.predictor}-predictor") is None, "the old Deployment to go")
    put(site.cluster, with_canary(promoted(coded), STABLE, 10))
    spec, versions = site.cluster.service()["spec"], (STABLE, CANARY)
    pods = [_pods(site, version) for version in versions]
    manifests = [*of_kind("kind", "ServingRuntime"), *of_kind("kind", "InferenceService")]
    done = kubectl(site.kubeconfig, "apply", *how, "-f", "-", stdin=yaml.safe_dump_all(manifests))
    assert done.returncode == 0, done.stderr
    put(site.cluster, with_canary(promoted(coded), STABLE, 50))  # whatever the controller made of the apply is made
    site.start(STABLE.predictor)
    ready = canary_ready("Standard", STABLE.predictor, 50, None)
    wait(site.cluster, Patience(ready_s=WAIT_S), ready, "canary", None)
    after = site.cluster.service()["spec"]
    assert _versions(after["predictor"]) == _versions(spec["predictor"])
    assert spec["predictor"]["model"]["runtime"] == NEWER_CODE.runtime
    assert [_pods(site, version) for version in versions] == pods


def test_newer_code_of_one_model_may_be_a_canary_and_kserve_refuses_to_promote_it(site: Site, coded: Traffic) -> None:
    put(site.cluster, rolled_back(coded))
    code_alone = replace(STABLE, name="2017-11-06-ba5eba11ba5e", runtime=NEWER_CODE.runtime)
    traffic = with_canary(Traffic(stable=STABLE), code_alone, 10)
    put(site.cluster, traffic)
    assert _code(site, code_alone) == {NEWER_IMAGE}
    with pytest.raises(
        CheckFailed,
        match=r"refused by webhook validate.inferenceservice.kserve.io: predictor.name change requires a model change",
    ):
        put(site.cluster, promoted(traffic))
    put(site.cluster, rolled_back(traffic))


def test_a_canary_on_a_runtime_that_is_not_there_is_refused_and_nothing_changes(site: Site, coded: Traffic) -> None:
    before = site.cluster.service()["spec"]
    with pytest.raises(InputError, match=r'"aisle-9" not found; apply the manifests'):
        put(site.cluster, with_canary(coded, replace(NEXT, runtime="aisle-9"), 10))
    assert site.cluster.service()["spec"] == before and read(site.cluster.record()) == coded
