"""A cluster in memory: it stores what is applied, and becomes ready when told to."""

import copy
from typing import Any

from model.errors import CheckFailed
from model.inference_service import merged
from model.traffic_change import Patience

RUNTIME = {"spec": {"supportedModelFormats": [{"name": "aisle", "version": "1"}]}}


class FakeCluster:
    """Implements model.kube.Cluster. `ready_after` counts looks at the service after each apply; None: never ready."""

    namespace = "aisle"

    def __init__(self, mode: str = "Standard", ready_after: int | None = 1) -> None:
        self.mode = mode
        self.ready_after = ready_after
        self.canary_ready_after = ready_after
        self.applied: list[dict[str, Any]] = []
        """Services, in order."""
        self.records: list[dict[str, Any]] = [{}]
        self.refuse: CheckFailed | None = None
        self.found_runtime: dict[str, Any] = RUNTIME
        self.found_pods: list[dict[str, Any]] = []
        self.found_warnings: list[str] = []
        self._looks = 0
        model = {"modelFormat": {"name": "aisle", "version": "1"}, "protocolVersion": "v2"}
        self._base = {
            "metadata": {"generation": 1, "annotations": {"serving.kserve.io/deploymentMode": mode}},
            "spec": {"predictor": {"minReplicas": 1, "model": model}},
        }

    def service(self) -> dict[str, Any]:
        self._looks += 1
        return copy.deepcopy(self._base | self._now() | {"status": self._status()})

    def record(self) -> dict[str, Any]:
        return self.records[-1]

    def runtime(self) -> dict[str, Any]:
        return self.found_runtime

    def apply(self, part: dict[str, Any], force: bool = False) -> dict[str, Any]:
        if self.refuse is not None:
            raise self.refuse
        if part["kind"] == "ConfigMap":
            self.records.append(part)
            return part
        self.applied.append(part)
        self._looks = 0
        return copy.deepcopy(self._base | self._now())

    def pods(self) -> list[dict[str, Any]]:
        name = self._now()["spec"]["predictor"].get("name")
        conditions = [{"type": "Ready", "status": "True"}]
        return [
            *self.found_pods,
            {"metadata": {"name": f"aisle-{name}-predictor-0"}, "status": {"conditions": conditions}},
        ]

    def warnings(self) -> list[str]:
        return self.found_warnings

    def _now(self) -> dict[str, Any]:
        """The base with the last apply in it: what an earlier one had and this one lacks is gone."""
        now = merged(self._base, self.applied[-1]) if self.applied else copy.deepcopy(self._base)
        now["metadata"]["generation"] = 1 + len(self.applied)
        return now

    def _status(self) -> dict[str, Any]:
        spec = self._now()["spec"]
        ready = self.ready_after is not None and self._looks > self.ready_after
        canary = self.canary_ready_after is not None and self._looks > self.canary_ready_after
        newest = f"rev-{len(self.applied)}"
        return {
            "conditions": [
                {"type": "Ready", "status": "True" if ready else "False", "message": "Deployment not ready"}
            ],
            "canaryStatuses": [self._canary(one, canary) for one in spec.get("canary", [])],
            "components": {
                "predictor": {
                    "latestCreatedRevision": newest,
                    "latestReadyRevision": newest if canary else f"rev-{len(self.applied) - 1}",
                }
            },
        }

    @staticmethod
    def _canary(one: dict[str, Any], ready: bool) -> dict[str, Any]:
        return {"name": one["predictor"]["name"], "ready": ready, "trafficPercent": one["trafficPercent"]}


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def patience(self, ready_s: float = 60.0) -> Patience:
        return Patience(ready_s=ready_s, clock=lambda: self.now_s, sleep=self.sleep)
