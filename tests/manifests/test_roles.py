"""What each account of the overlays may do."""

from typing import Any

import pytest

from components.inference_service.cluster_client import LEASE
from pipelines.manifests.render import ROOT
from tests.manifests.overlays import OVERLAYS, objects, of_kind
from tests.pipelines.command_line import parse


def test_a_driver_that_creates_pods_shares_its_namespace_with_nothing_else() -> None:
    """Its pods could use every account and secret that is there."""
    here = [o for o in objects("prod") if o["metadata"].get("namespace") == "aisle-jobs"]
    assert {o["kind"] for o in here} == {
        *("SparkApplication", "PersistentVolumeClaim", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy")
    }
    assert {o["metadata"]["name"] for o in of_kind("prod", "Role") if {"create", "delete"} <= verbs(o)} == {
        *("aisle-spark", "aisle-train")
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_role_has_no_wildcard_and_reads_no_secret(overlay: str) -> None:
    roles = of_kind(overlay, "Role")
    assert roles and not of_kind(overlay, "ClusterRole")
    for rule in [rule for role in roles for rule in role["rules"]]:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert "secrets" not in rule["resources"]


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_the_controllers_command_is_one_that_aisle_takes_and_its_rights_are_the_rollouts(overlay: str) -> None:
    (controller,) = [o for o in of_kind(overlay, "Deployment") if o["metadata"]["name"] == "aisle-rollout-controller"]
    (container,) = controller["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "pipelines.cli", "rollout", "watch"]
    parse(["rollout", "watch", *container["args"]])
    account = controller["spec"]["template"]["spec"]["serviceAccountName"]
    roles = {o["roleRef"]["name"] for o in of_kind(overlay, "RoleBinding") if o["subjects"][0]["name"] == account}
    assert roles == {"aisle-rollout", "aisle-rollout-lease"}
    assert [o["metadata"]["name"] for o in of_kind(overlay, "Lease")] == [LEASE]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_sparks_driver_and_the_step_train_may_delete_and_the_policys_step_start_a_run(overlay: str) -> None:
    roles = {o["metadata"]["name"]: o for o in of_kind(overlay, "Role") if {"create", "delete"} & verbs(_no_events(o))}
    pipelines = {"aisle-retrain"} & {o["metadata"]["name"] for o in of_kind(overlay, "Role")}
    assert set(roles) == pipelines | ({"aisle-spark", "aisle-train"} if overlay == "prod" else set())
    for rule in roles["aisle-train"]["rules"] if overlay == "prod" else []:
        assert rule["resources"] == ["trainjobs"]
    for name in pipelines:
        assert verbs(roles[name]) == {"list", "create"}
        assert {group for rule in roles[name]["rules"] for group in rule["apiGroups"]} == {"pipelines.kubeflow.org"}


def _no_events(role: dict[str, Any]) -> dict[str, Any]:
    """The role without what it may do with events, which an operation makes of what it did."""
    return {"rules": [rule for rule in role["rules"] if rule["resources"] != ["events"]]}


def verbs(role: dict[str, Any]) -> set[str]:
    return {verb for rule in role["rules"] for verb in rule["verbs"]}


@pytest.mark.parametrize(
    "file",
    [
        "base/rbac.yaml",
        "components/pipelines/retrain.yaml",
        "components/rollout-controller/rbac.yaml",
        "components/jobs/train.yaml",
    ],
)
def test_every_verb_of_a_role_has_a_reason(file: str) -> None:
    lines = (ROOT / file).read_text().split("verbs:")[1:]
    verbs = [line for part in lines for line in part.splitlines() if line.strip().startswith("- ") and ":" not in line]
    assert verbs and all(" # " in line for line in verbs)
