"""A cluster in memory: it stores what is applied, and becomes ready when set to."""

import copy
from collections.abc import Callable
from typing import Any

from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import pods_wanted
from components.inference_service.shift import Patience
from components.inference_service.traffic import FIELD_MANAGER, merged
from model.errors import CheckFailed, InputError

FORMATS = [{"name": "aisle", "version": "1"}]
RUNTIMES = ("aisle", "aisle-b")


class Revisions:
    """What Knative and KServe make of the service: a revision for each model address, and who gets which share.

    As in createKnativeService and PropagateStatus of KServe 0.21: without a percent, the newest revision that is ready
    gets everything, whichever it is.
    """

    def __init__(self) -> None:
        self.uris: list[str] = []
        self.ready = 0
        """Number of the newest that is ready; its name is rev-NUMBER."""
        self.rolled_out = self.rolled_out_before = 0
        self.shares: list[dict[str, int]] = []
        """{model address: percent} after each apply and at each request."""

    def declare(self, predictor: dict[str, Any]) -> None:
        if not self.uris or self.uris[-1] != predictor["model"]["storageUri"]:
            self.uris.append(predictor["model"]["storageUri"])
            if len(self.uris) == 2:  # tests need not wait for the first one
                self.ready = self.rolled_out = max(self.ready, 1)
        self.route(predictor)

    def route(self, predictor: dict[str, Any]) -> list[dict[str, Any]]:
        """Traffic as the status has it."""
        percent, old = predictor.get("canaryTrafficPercent"), self.rolled_out
        newest: dict[str, Any] = {"latestRevision": True, "revisionName": f"rev-{self.ready}", "percent": 100}
        traffic = [newest]
        if percent is not None and old:
            newest["percent"] = percent
            if percent < 100:
                rest = {"latestRevision": False, "revisionName": f"rev-{old}", "percent": 100 - percent, "tag": "prev"}
                traffic.append(rest)
        if self.rolled_out != self.ready:
            if newest["percent"] == 100:
                self.rolled_out_before, self.rolled_out = old, self.ready
        elif self.ready == len(self.uris) and len(traffic) == 2 and self.rolled_out_before:
            self.rolled_out = self.rolled_out_before
        share: dict[str, int] = {}
        for target in traffic:
            number = int(str(target["revisionName"]).removeprefix("rev-"))
            if number:
                share[self.uris[number - 1]] = share.get(self.uris[number - 1], 0) + int(str(target["percent"]))
        self.shares.append(share)
        return traffic


class FakeCluster(Cluster):
    """`ready_after` counts reads of the service after each apply; None: never ready."""

    namespace = "aisle"

    def __init__(self, mode: str = "Standard", ready_after: int | None = 1, minimum: int = 1, maximum: int = 0) -> None:
        self.mode = mode
        self.ready_after = ready_after
        self.canary_ready_after = ready_after
        self.applied: list[dict[str, Any]] = []
        """Services, in order."""
        self.records: list[dict[str, Any]] = [{}]
        self.refuse: CheckFailed | None = None
        self.formats = dict.fromkeys(RUNTIMES, FORMATS)
        """{ServingRuntime: what it serves}"""
        self.found_pods: list[dict[str, Any]] = []
        self.found_warnings: list[str] = []
        self.pod_counts: dict[str, int] = {}
        """{predictor: its ready pods}, where they are others than declared."""
        self.events: list[tuple[str, str, bool]] = []
        """(reason, message, whether a warning)"""
        self.managers: list[dict[str, Any]] = []
        """Managed fields of the service."""
        self.revisions = Revisions()
        self._requests = 0
        model = {"modelFormat": {"name": "aisle", "version": "1"}, "protocolVersion": "v2"}
        self._base: dict[str, Any] = {
            "metadata": {"generation": 1, "annotations": {"serving.kserve.io/deploymentMode": mode}},
            "spec": {
                "predictor": {"minReplicas": minimum, **({"maxReplicas": maximum} if maximum else {}), "model": model}
            },
        }

    def service(self) -> dict[str, Any]:
        self._requests += 1
        return self.service_without_waiting()

    def record(self) -> dict[str, Any]:
        return self.records[-1]

    def runtime(self, name: str) -> dict[str, Any]:
        if name not in self.formats:
            raise InputError(f'servingruntimes "{name}" not found')
        return {"metadata": {"name": name}, "spec": {"supportedModelFormats": self.formats[name]}}

    def apply(self, part: dict[str, Any]) -> dict[str, Any]:
        if self.refuse is not None:
            raise self.refuse
        if part["kind"] == "ConfigMap":
            self.records.append(part)
            return part
        if self.applied and part == self.applied[-1]:
            return copy.deepcopy(self._base | self._now())
        self.applied.append(part)
        self.managers = [
            {"manager": FIELD_MANAGER, "fieldsV1": {"f:spec": {"f:canary": {}, "f:canaryTrafficPercent": {}}}}
        ]
        self._requests = 0
        self.revisions.declare(self._now()["spec"]["predictor"])
        return copy.deepcopy(self._base | self._now())

    def note(self, reason: str, message: str, warning: bool = False) -> None:
        self.events.append((reason, message, warning))

    def clear(self, patch: dict[str, Any]) -> None:
        (field,) = patch["spec"]["predictor"]
        self.applied.append(copy.deepcopy(self.applied[-1]))
        self.applied[-1]["spec"]["predictor"].pop(field, None)

    def pods(self) -> list[dict[str, Any]]:
        """As many ready ones as the service declares, the canary's once it is ready."""
        service = self.service_without_waiting()
        ready = [service["spec"]["predictor"].get("name")]
        ready += [canary["name"] for canary in service["status"]["canaryStatuses"] if canary["ready"]]
        conditions = [{"type": "Ready", "status": "True"}]
        return self.found_pods + [
            {"metadata": {"name": f"aisle-{name}-predictor-{i}"}, "status": {"conditions": conditions}}
            for name in ready
            for i in range(self.pod_counts.get(str(name), pods_wanted(service, name)))
        ]

    def service_without_waiting(self) -> dict[str, Any]:
        return copy.deepcopy(self._base | self._now() | {"status": self._status()})

    def edit(self, change: Callable[[dict[str, Any]], None], manager: str = "kubectl-patch") -> None:
        """What `kubectl edit` or `patch` does to the spec."""
        edited = copy.deepcopy(self.applied[-1])
        change(edited["spec"])
        owned = {"f:spec": {"f:canary": {}} if "canary" in edited["spec"] else {}}
        self.managers = [{"manager": manager, "time": "2026-01-01T00:00:00Z", "fieldsV1": owned}]
        self.applied.append(edited)
        self._requests = 0

    def route(self) -> dict[str, Any] | None:
        return None

    def warnings(self) -> list[str]:
        return self.found_warnings

    def _now(self) -> dict[str, Any]:
        """The base with the last apply in it: what an earlier one had and this one lacks is gone."""
        now = merged(self._base, self.applied[-1]) if self.applied else copy.deepcopy(self._base)
        now["metadata"]["generation"] = 1 + len(self.applied)
        now["metadata"]["managedFields"] = self.managers
        return now

    def _status(self) -> dict[str, Any]:
        spec = self._now()["spec"]
        ready = self.ready_after is not None and self._requests > self.ready_after
        canary = self.canary_ready_after is not None and self._requests > self.canary_ready_after
        revisions = self.revisions
        if canary:
            revisions.ready = len(revisions.uris)
        return {
            "conditions": [
                {"type": "Ready", "status": "True" if ready else "False", "message": "Deployment not ready"}
            ],
            "canaryStatuses": [self._canary(declared, canary) for declared in spec.get("canary", [])],
            "components": {"predictor": self._part(spec) if self.mode in ("Knative", "Serverless") else {}},
        }

    def _part(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Of Knative mode alone."""
        revisions = self.revisions
        return {
            "latestCreatedRevision": f"rev-{len(revisions.uris)}",
            "latestReadyRevision": f"rev-{revisions.ready}",
            "traffic": revisions.route(spec["predictor"]) if self.applied else [],
        }

    @staticmethod
    def _canary(declared: dict[str, Any], ready: bool) -> dict[str, Any]:
        return {"name": declared["predictor"]["name"], "ready": ready, "trafficPercent": declared["trafficPercent"]}


class Clock:
    """Time that passes by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def patience(self, ready_s: float = 60.0) -> Patience:
        return Patience(ready_s=ready_s, clock=lambda: self.now_s, sleep=self.sleep)
