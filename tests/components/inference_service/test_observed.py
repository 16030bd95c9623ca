"""What an operator's edit of the service is taken for."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from components.inference_service.observed import observe, owners_of
from components.inference_service.traffic import Mode, Traffic, Version, declared, promoted, record, with_canary
from tests.components.inference_service.test_traffic import NEW, OLD

BEFORE = Version(name="2017-10-30-cccccccccccc", uri="s3://models/before")
AT_10 = with_canary(Traffic(stable=OLD, previous=BEFORE), NEW, 10)
STRANGER = Version(name="2018-01-01-dddddddddddd", uri="s3://models/stranger")


def _service(traffic: Traffic, mode: Mode, manager: str = "kubectl-edit") -> dict[str, Any]:
    service = copy.deepcopy(declared(traffic, mode, "aisle"))
    service["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": mode}
    fields = {"f:canary": {}, "f:predictor": {"f:canaryTrafficPercent": {}, "f:model": {"f:storageUri": {}}}}
    entry = {"manager": manager, "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": fields}}
    service["metadata"]["managedFields"] = [entry]
    return service


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
@pytest.mark.parametrize(
    ("recorded", "edited", "change"),
    [
        (AT_10, AT_10, ""),
        (AT_10, replace(AT_10, percent=80), "share"),
        (AT_10, replace(AT_10, percent=100), "share"),
        (AT_10, replace(AT_10, percent=0), "share"),
        (AT_10, replace(AT_10, canary=None, percent=0), "rollback"),
        (AT_10, promoted(AT_10), "promotion"),
        (Traffic(stable=OLD, previous=BEFORE), Traffic(stable=BEFORE, previous=OLD), "revert"),
        (Traffic(stable=OLD, previous=BEFORE), with_canary(Traffic(stable=OLD, previous=BEFORE), BEFORE, 5), "canary"),
        (Traffic(), Traffic(), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edit_that_the_records_versions_explain_is_what_it_says(
    recorded: Traffic, edited: Traffic, change: str, mode: Mode
) -> None:
    service = _service(edited if edited.stable else Traffic(stable=OLD), mode)
    present = observe(service, record(recorded, "aisle"))
    assert (present.traffic, present.change, present.drift) == (edited, change, "")
    assert bool(present.line()) == bool(change)
    if change == "share":
        assert present.line().endswith(f"set to {edited.percent} % (it was 10 %) by kubectl-edit")


def test_a_rollback_of_ours_in_knative_mode_is_no_edit() -> None:
    """Stable's model in the canary's place, until it is ready."""
    service = _service(with_canary(Traffic(stable=NEW), OLD, 0), "Knative", "aisle")
    at_0 = replace(AT_10, percent=0)
    assert observe(service, record(at_0, "aisle")).change == ""


def _two(spec: dict[str, Any]) -> None:
    spec["canary"].append(copy.deepcopy(spec["canary"][0]))


def _no_model(spec: dict[str, Any]) -> None:
    spec["predictor"] = {"minReplicas": 3, "model": {"modelFormat": {}}}


def _runtime(spec: dict[str, Any]) -> None:
    spec["canary"][0]["predictor"]["model"]["runtime"] = "another"


def _name(spec: dict[str, Any]) -> None:
    spec["canary"][0]["predictor"]["name"] = "another"


def _model(spec: dict[str, Any]) -> None:
    spec["canary"][0]["predictor"]["model"]["storageUri"] = STRANGER.uri


@pytest.mark.parametrize(
    ("edit", "drift"),
    [
        (_two, "2 canaries are declared"),
        (_no_model, "stable: no model is declared"),
        (_runtime, "declared on runtime another, expected aisle-b"),
        (_name, f"declared as predictor another, expected {NEW.predictor}"),
        (_model, "the model s3://models/stranger is declared, which the record does not have"),
    ],
)
def test_anything_else_is_drift_and_the_records_traffic_counts(edit: Any, drift: str) -> None:
    service = _service(AT_10, "Standard")
    edit(service["spec"])
    present = observe(service, record(AT_10, "aisle"))
    assert drift in present.drift and drift in present.line()
    assert (present.traffic, present.change) == (AT_10, "")


def test_a_change_of_ours_that_was_interrupted_is_called_so() -> None:
    present = observe(_service(promoted(AT_10), "Standard", "aisle"), record(AT_10, "aisle"))
    assert present.line() == f"canary {NEW.name} promoted by an interrupted change of Aisle"


def test_a_removal_names_no_manager_for_the_api_server_has_none() -> None:
    service = _service(Traffic(stable=OLD, previous=BEFORE), "Standard")
    service["metadata"]["managedFields"] = []
    assert observe(service, record(AT_10, "aisle")).line() == f"canary {NEW.name} taken out of the service"


def test_owners_of_a_field_are_in_the_order_of_their_last_write_without_the_status() -> None:
    def entry(manager: str, second: int, **more: Any) -> dict[str, Any]:
        fields = {"fieldsV1": {"f:spec": {"f:canary": {}}}}
        return {"manager": manager, "time": f"2026-01-01T00:00:0{second}Z", **fields, **more}

    entries = [entry("b", 2), entry("a", 1), entry("kserve", 3, subresource="status")]
    assert owners_of({"metadata": {"managedFields": entries}}, "f:canary") == ["a", "b"]
