"""MLflow, by its REST API 2.0: its client would bring a Databricks SDK, a Git client, and other pins into our lock.

Every object is found by its name and changed, or created: sent twice, a record is there once.
"""

import time
from collections.abc import Mapping

from components.tracking.rest_api import Json, RestApi
from components.tracking.tracked import RUN_STATUS, TrackedTrial, TrackedVersion, plain_name

BASE = "/api/2.0/mlflow"


class Mlflow:
    """A run for each version, linked from a version of the registered model; a run for each trial."""

    TITLE = "MLflow"

    def __init__(self, api: RestApi, name: str) -> None:
        """`name`: of the registered model and of the versions' experiment; the trials' has it with -tune."""
        self._api, self._name = api, name

    def register(self, version: TrackedVersion) -> None:
        """Raises what RestApi raises."""
        now_ms = int(1000 * time.time())
        tags = {**version.facts, "version": version.version, "package": version.package}
        run_id = self._run(self._name, version.version, now_ms)
        self._values(run_id, now_ms, metrics=version.metrics, tags=tags)
        self._end(run_id, "FINISHED", now_ms)
        if self._api.find(f"{BASE}/registered-models/get", name=self._name) is None:
            self._api.send("POST", f"{BASE}/registered-models/create", {"name": self._name})
        name_and_run = f"name = '{self._name}' and run_id = '{run_id}'"
        versions = self._api.find(f"{BASE}/model-versions/search", filter=name_and_run) or {}
        for stored in versions.get("model_versions", [])[:1]:
            which = {"name": self._name, "version": stored["version"]}
            for key, value in tags.items():
                self._api.send("POST", f"{BASE}/model-versions/set-tag", {**which, "key": key, "value": value})
            return
        created = {"name": self._name, "source": _source(version), "run_id": run_id, "tags": _pairs(tags)}
        self._api.send("POST", f"{BASE}/model-versions/create", created)

    def log(self, trial: TrackedTrial) -> None:
        """Raises what RestApi raises."""
        run_id = self._run(f"{self._name}-tune", trial.name, trial.began_ms)
        self._values(run_id, trial.ended_ms, params=trial.params, metrics=trial.metrics, tags=trial.facts)
        self._end(run_id, RUN_STATUS[trial.state], trial.ended_ms)

    def _run(self, experiment: str, name: str, began_ms: int) -> str:
        """Id of the run of this name, which is created where there is none."""
        stored = self._api.find(f"{BASE}/experiments/get-by-name", experiment_name=experiment)
        if stored is None:
            experiment_id = self._api.send("POST", f"{BASE}/experiments/create", {"name": experiment})["experiment_id"]
        else:
            experiment_id = stored["experiment"]["experiment_id"]
        wanted = {"experiment_ids": [experiment_id], "filter": f"attributes.run_name = '{name}'", "max_results": 1}
        for run in self._api.send("POST", f"{BASE}/runs/search", wanted).get("runs", []):
            return str(run["info"]["run_id"])
        fresh = {"experiment_id": experiment_id, "run_name": name, "start_time": began_ms}
        return str(self._api.send("POST", f"{BASE}/runs/create", fresh)["run"]["info"]["run_id"])

    def _values(
        self,
        run_id: str,
        moment_ms: int,
        *,
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> None:
        numbers = [{"key": plain_name(name), "value": value, "timestamp": moment_ms} for name, value in metrics.items()]
        values = {"metrics": numbers, "params": _pairs(params or {}), "tags": _pairs(tags)}
        self._api.send("POST", f"{BASE}/runs/log-batch", {"run_id": run_id, **values})

    def _end(self, run_id: str, status: str, moment_ms: int) -> None:
        self._api.send("POST", f"{BASE}/runs/update", {"run_id": run_id, "status": status, "end_time": moment_ms})


def _source(version: TrackedVersion) -> str:
    """Address of the package. MLflow takes no path on a disk: then it is a name, and a tag has the path."""
    return f"aisle:///{version.version}" if version.package.startswith("file:") else version.package


def _pairs(values: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in values.items()]
