"""What an operator does with kubectl, and what Aisle makes of it, on a real API server with KServe's controller."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from components.inference_service.shift import Patience, put
from components.inference_service.traffic import Traffic, with_canary
from components.rollout.decision.states import Command, State
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.kserve.prometheus import Query, Sample
from model.errors import CheckFailed
from model.system.programs import find_program
from pipelines.manifests.render import CANARY, STABLE
from tests.manifests.api_server import kubectl
from tests.manifests.controller import Site, controlled_server, until
from tests.manifests.overlays import of_kind
from tests.needs import CLUSTER, CONTROLLER, OWN_SERVER
from tfx_configs.rollout import RolloutSettings

pytestmark = pytest.mark.needs("kubectl", CLUSTER, OWN_SERVER, CONTROLLER)

STABLE_SERVICE, CANARY_SERVICE = f"aisle-{STABLE.predictor}-predictor", f"aisle-{CANARY.predictor}-predictor"
PLAN = RolloutSettings(percents=(10, 50, 100), min_canary_requests=100, min_outcome_ratio=0.0)
SHARE_80 = '[{"op": "replace", "path": "/spec/canary/0/trafficPercent", "value": 80}]'
NO_CANARY = '{"spec": {"canary": null}}'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with controlled_server(tmp_path_factory.mktemp("edits"), "prod") as site:
        yield site


@pytest.fixture
def rollout(site: Site) -> ClusterTraffic:
    """Of overlay prod, whose minimum is three pods: stable, and a ready canary at 10 % in its rollout."""
    site.stop()
    put(site.cluster, Traffic(stable=STABLE))
    until(lambda: site.get("deployment", CANARY_SERVICE) is None, "the canary of an earlier test to go")
    site.start(STABLE.predictor)
    until(lambda: site.weights() == {STABLE_SERVICE: 100}, "the route to stable alone")
    put(site.cluster, with_canary(Traffic(stable=STABLE), CANARY, 10))
    site.start(CANARY.predictor)
    _at(site, 10)
    rollout = ClusterTraffic(cluster=site.cluster, patience=Patience(ready_s=60, settle_s=0.5))
    assert rollout.step(PLAN, _nothing, time.time()).reasons == ("traffic: it begins now",)
    return rollout


def _nothing(promql: str) -> list[Sample]:
    return []


def _healthy(percent: int) -> Query:
    """2,000 answers that fit this share."""
    counts = {CANARY.name: 20 * percent, STABLE.name: 2000 - 20 * percent}

    def query(promql: str) -> list[Sample]:
        if "requests_total" not in promql:
            return []
        return [({"version": name, "outcome": "ok", "rung": "full"}, count) for name, count in counts.items()]

    return query


def _at(site: Site, percent: int) -> None:
    wanted = {name: p for name, p in ((STABLE_SERVICE, 100 - percent), (CANARY_SERVICE, percent)) if p}
    until(lambda: {n: s for n, s in site.weights().items() if s} == wanted, f"{wanted}")


def _kubectl(site: Site, *arguments: str, stdin: str = "") -> None:
    done = kubectl(site.kubeconfig, *arguments, "-n", "aisle", stdin=stdin)
    assert done.returncode == 0, done.stderr


def _patch(site: Site, patch: str, kind: str = "merge") -> None:
    _kubectl(site, "patch", "inferenceservice", "aisle", f"--type={kind}", "-p", patch)


def test_a_patched_share_is_in_the_status_is_adopted_and_every_command_works_after_it(
    site: Site, rollout: ClusterTraffic
) -> None:
    _patch(site, SHARE_80, "json")
    _at(site, 80)
    status = rollout.status()
    assert (status.percent, status.state) == (80, State.RUNNING)
    assert (
        "set to 80 % (it was 10 %) by kubectl-patch; the next command or step of Aisle adopts it" in status.details[0]
    )
    assert "canary ready, 80 %" in status.details[1]
    assert status.details[-1] == f"route     {STABLE_SERVICE} 20 %, {CANARY_SERVICE} 80 %"

    held = rollout.command(Command.HOLD, "maria")
    assert (held.percent, held.state, held.note) == (80, State.HELD, "hold by maria")
    assert "edited" not in held.details[0]
    assert rollout.command(Command.RESUME, "maria").state == State.RUNNING
    back = rollout.command(Command.ROLLBACK, "maria")
    assert (back.roles.canary, back.state, back.percent) == (None, State.ROLLED_BACK, 0)
    _at(site, 0)


def test_evidence_of_a_patched_share_starts_when_it_is_adopted(site: Site, rollout: ClusterTraffic) -> None:
    _patch(site, SHARE_80, "json")
    now_s = time.time() + 1000
    adopted = rollout.step(PLAN, _healthy(10), now_s)
    assert (adopted.action, adopted.percent) == ("hold", 80)
    assert adopted.reasons[0].startswith("adopted: the share of") and "kubectl-patch" in adopted.reasons[0]
    assert rollout.record().since_s == pytest.approx(now_s, abs=1)
    assert rollout.status().details[0].endswith("80 %")


def test_a_patch_that_removes_the_canary_is_a_rollback(site: Site, rollout: ClusterTraffic) -> None:
    _patch(site, NO_CANARY)
    status = rollout.status()
    assert (status.roles.stable, status.roles.canary, status.state) == (STABLE.name, None, State.ROLLED_BACK)
    assert f"canary {CANARY.name} taken out of the service" in status.line()
    assert site.cluster.roles().canary is None
    decision = rollout.step(PLAN, _healthy(10), time.time())
    assert decision.action == "none" and "taken out" in decision.reasons[0]
    assert rollout.step(PLAN, _healthy(10), time.time()).reasons == ("no canary is declared",)
    until(lambda: site.minimum(STABLE.predictor) == 3, "stable's own minimum")
    _at(site, 0)


def test_a_canary_that_an_operator_renames_to_stable_is_a_promotion(site: Site, rollout: ClusterTraffic) -> None:
    model = {"storageUri": CANARY.uri, "runtime": CANARY.runtime}
    _patch(site, json.dumps({"spec": {"canary": None, "predictor": {"name": CANARY.predictor, "model": model}}}))
    status = rollout.status()
    assert (status.roles.stable, status.roles.previous, status.state) == (CANARY.name, STABLE.name, State.PROMOTED)
    assert "promoted by kubectl-patch" in status.note
    assert rollout.step(PLAN, _healthy(10), time.time()).action == "none"
    assert site.cluster.record()["data"]["previous-version"] == STABLE.name


def test_a_model_that_the_record_does_not_have_is_named_and_a_rollback_ends_it(
    site: Site, rollout: ClusterTraffic
) -> None:
    _patch(
        site, '[{"op": "replace", "path": "/spec/canary/0/predictor/model/storageUri", "value": "s3://x/y"}]', "json"
    )
    status = rollout.status()
    assert "has drifted from its record: canary: the model s3://x/y is declared" in status.details[0]
    assert "`aisle rollout rollback --namespace aisle` declares the record's stable version again" in status.details[0]
    assert rollout.step(PLAN, _healthy(10), time.time()).action == "hold"
    with pytest.raises(CheckFailed, match="has drifted from its record"):
        rollout.command(Command.PROMOTE, "maria")
    back = rollout.command(Command.ROLLBACK, "maria")
    assert (back.roles.stable, back.roles.canary, back.state) == (STABLE.name, None, State.ROLLED_BACK)
    assert "canary" not in site.cluster.service()["spec"]


def test_a_replaced_service_without_a_model_is_named_and_a_rollback_declares_stable_again(
    site: Site, rollout: ClusterTraffic
) -> None:
    (service,) = of_kind("prod", "InferenceService")
    _kubectl(site, "replace", "-f", "-", stdin=yaml.safe_dump(service))
    assert "stable: no model is declared" in rollout.status().details[0]
    rollout.command(Command.ROLLBACK, "maria")
    predictor = site.cluster.service()["spec"]["predictor"]
    assert (predictor["name"], predictor["model"]["storageUri"]) == (STABLE.predictor, STABLE.uri)


def test_a_canary_that_is_removed_while_a_promotion_waits_for_its_pods_stays_removed(
    site: Site, rollout: ClusterTraffic
) -> None:
    with ThreadPoolExecutor() as pool:
        promotion = pool.submit(rollout.command, Command.PROMOTE, "maria")
        until(lambda: site.cluster.record()["data"].get("canary-pods") == "3", "the pods of the promotion")
        _patch(site, NO_CANARY)
        with pytest.raises(CheckFailed, match="taken out of the service in between, so nothing was moved"):
            promotion.result()
    assert rollout.status().state == State.ROLLED_BACK and "canary" not in site.cluster.service()["spec"]


def test_a_share_grows_when_the_canary_has_its_pods_and_stable_keeps_its_size(
    site: Site, rollout: ClusterTraffic
) -> None:
    """Three pods of stable: a canary of two at 10 and 50 %, of three at 100 %."""
    now_s = time.time() + 1000
    assert (site.minimum(STABLE.predictor), site.minimum(CANARY.predictor)) == (3, 2)
    assert rollout.step(PLAN, _healthy(10), now_s).percent == 50
    _at(site, 50)
    assert (site.minimum(STABLE.predictor), site.minimum(CANARY.predictor)) == (3, 2)
    waits = rollout.step(PLAN, _healthy(50), now_s + 1000)
    assert (waits.action, waits.reasons) == ("hold", ("capacity: 3 pods of the canary are declared for 100 %",))
    until(lambda: site.minimum(CANARY.predictor) == 3, "the third pod")
    waits = rollout.step(PLAN, _healthy(50), now_s + 1001)
    assert waits.reasons == ("capacity: expected 3 ready pods of the canary for 100 %, got 2",)
    _at(site, 50)
    site.start(CANARY.predictor)
    assert rollout.step(PLAN, _healthy(50), now_s + 1002).percent == 100
    _at(site, 100)
    assert (site.minimum(STABLE.predictor), site.minimum(CANARY.predictor)) == (3, 3)

    assert rollout.step(PLAN, _healthy(100), now_s + 2000).action == "promote"
    until(lambda: site.get("deployment", STABLE_SERVICE) is None, "the old Deployment to go")
    spec = site.cluster.service()["spec"]["predictor"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 12)


def test_a_promotion_by_command_waits_for_the_pods_of_all_shoppers(site: Site, rollout: ClusterTraffic) -> None:
    with ThreadPoolExecutor() as pool:
        promotion = pool.submit(rollout.command, Command.PROMOTE, "maria")
        until(lambda: site.minimum(CANARY.predictor) == 3, "the third pod to be declared")
        _at(site, 10)  # with two pods ready it has the share of two pods
        site.start(CANARY.predictor)
        until(lambda: site.weights().get(CANARY_SERVICE) == 100, "the share of three pods")
        assert promotion.result().state == State.PROMOTED


def test_an_overlay_applied_during_a_rollout_takes_stables_minimum_and_the_next_step_gives_it_back(
    site: Site, rollout: ClusterTraffic
) -> None:
    (service,) = of_kind("prod", "InferenceService")
    _kubectl(site, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(service))
    assert site.cluster.service()["spec"]["predictor"]["minReplicas"] == 3
    _at(site, 10)
    rollout.step(PLAN, _nothing, time.time())
    assert site.cluster.service()["spec"]["predictor"]["minReplicas"] == 5
    rollout.command(Command.ROLLBACK, "maria")
    assert site.cluster.service()["spec"]["predictor"]["minReplicas"] == 3


def test_kubectl_aisle_operates_the_rollout_and_events_and_history_have_it(
    site: Site, rollout: ClusterTraffic, tmp_path: Path
) -> None:
    plugin, program = tmp_path / "kubectl-aisle", find_program("kubectl")
    assert program is not None
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipelines.kubectl_aisle "$@"\n')
    plugin.chmod(0o755)
    environment = os.environ | {"KUBECONFIG": str(site.kubeconfig), "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def aisle(*words: str) -> tuple[int, str]:
        done = subprocess.run([program, "aisle", *words], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, text = aisle("status", "--namespace", "aisle")
    assert code == 0 and f"canary {CANARY.name}  running at 10 %" in text and f"{CANARY_SERVICE} 10 %" in text
    assert aisle("pause")[1].split()[4:8] == ["held", "at", "10", "%"]
    assert aisle("pause")[0] == 2
    assert aisle("resume")[0] == 0
    assert "rolled back" in aisle("rollback")[1]
    code, text = aisle("history")
    assert code == 0 and [line.split()[1] for line in text.splitlines()[-4:]] == [
        "Began",
        "Hold",
        "Resume",
        "RolledBack",
    ]
    events = kubectl(site.kubeconfig, "events", "--for", "inferenceservice/aisle", "-n", "aisle").stdout
    assert "RolledBack" in events and "rollback by" in events
    described = kubectl(site.kubeconfig, "describe", "inferenceservice", "aisle", "-n", "aisle").stdout
    assert "RolledBack" in described.partition("Events:")[2]
