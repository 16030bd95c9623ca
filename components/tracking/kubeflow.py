"""Kubeflow Model Registry, by its REST API v1alpha3.

Every object is found by its name and changed, or created: sent twice, a record is there once. A version that the gate
refused is archived, so that lists of the current versions leave it out.
"""

from collections.abc import Mapping
from typing import Any

from components.tracking.rest_api import Json, RestApi
from components.tracking.tracked import RUN_STATUS, TrackedTrial, TrackedVersion

BASE = "/api/model_registry/v1alpha3"
PARENTS = {"model_version": "registeredModelId", "experiment_run": "experimentId"}


class KubeflowModelRegistry:
    """Versions below one registered model, trials as runs of one experiment."""

    TITLE = "Kubeflow Model Registry"

    def __init__(self, api: RestApi, name: str) -> None:
        """`name`: of the registered model; the experiment has it with -tune."""
        self._api, self._name = api, name

    def register(self, version: TrackedVersion) -> None:
        """Raises what RestApi raises."""
        model = self._put("registered_model", {"name": self._name})
        properties = {name: _text(value) for name, value in version.facts.items()}
        properties |= {name: _number(value) for name, value in version.metrics.items()}
        state = "LIVE" if version.blessed else "ARCHIVED"
        stored = self._put(
            "model_version",
            {"name": version.version, "registeredModelId": model["id"]},
            {"state": state, "customProperties": properties},
        )
        package = {"artifactType": "model-artifact", "name": version.version, "uri": version.package}
        self._put_artifact(f"model_versions/{stored['id']}", package)

    def log(self, trial: TrackedTrial) -> None:
        """Raises what RestApi raises."""
        experiment = self._put("experiment", {"name": f"{self._name}-tune"})
        began_ms, ended_ms = str(trial.began_ms), str(trial.ended_ms)
        facts = {name: _text(value) for name, value in trial.facts.items()}
        run = self._put(
            "experiment_run",
            {"name": trial.name, "experimentId": experiment["id"], "startTimeSinceEpoch": began_ms},
            {"status": RUN_STATUS[trial.state], "endTimeSinceEpoch": ended_ms, "customProperties": facts},
        )
        place = f"experiment_runs/{run['id']}"
        for name, value in trial.params.items():
            self._put_artifact(place, {"artifactType": "parameter", "name": name, "value": value})
        for name, number in trial.metrics.items():
            metric = {"artifactType": "metric", "name": name, "value": number, "timestamp": ended_ms}
            self._put_artifact(place, metric)

    def _put(self, kind: str, fixed: Mapping[str, str], changing: Mapping[str, Any] | None = None) -> Json:
        """The stored object. `fixed`: its name, its parent's id, and what else is set once."""
        query = {"name": fixed["name"]}
        if kind in PARENTS:
            query["parentResourceId"] = fixed[PARENTS[kind]]
        stored = self._api.find(f"{BASE}/{kind}", **query)
        if stored is None:
            return self._api.send("POST", f"{BASE}/{kind}s", {**fixed, **(changing or {})})
        return self._api.send("PATCH", f"{BASE}/{kind}s/{stored['id']}", changing) if changing else stored

    def _put_artifact(self, parent: str, content: Json) -> None:
        """`parent`: KIND/ID of what the artifact belongs to."""
        stored = self._api.find(f"{BASE}/artifact", name=content["name"], parentResourceId=parent.rpartition("/")[2])
        if stored is None:
            self._api.send("POST", f"{BASE}/{parent}/artifacts", content)
        else:
            self._api.send("PATCH", f"{BASE}/artifacts/{stored['id']}", content)


def _text(value: str) -> Json:
    return {"metadataType": "MetadataStringValue", "string_value": value}


def _number(value: float) -> Json:
    return {"metadataType": "MetadataDoubleValue", "double_value": value}
