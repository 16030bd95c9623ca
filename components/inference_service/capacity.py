"""How many pods stable and canary have while both serve; Standard mode.

KServe gives a canary its share of `minReplicas`, takes it for ready with one pod, and lowers stable's minimum by the
canary's pods. Declared here instead: for the canary the share of the pods that stable has now, and for stable a minimum
from which KServe takes the canary's pods and leaves stable's size. Stable can take all requests back at any moment.

The record keeps what the manifests declare, so that a process that dies leaves nothing raised for good.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.inference_service.readiness import canary_up, ready_pods
from components.inference_service.traffic import KubeObject, Traffic

PODS_OF_A_CANARY = 2
"""At least, where stable has as many: one that dies costs no answer."""
OWN_MIN, OWN_MAX = "stable-min-replicas", "stable-max-replicas"
RAISED, SIZE, CANARY_PODS = "stable-min-declared", "stable-pods", "canary-pods"


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Pods of one moment of a rollout."""

    own_min: int
    """What the manifests declare."""
    own_max: int
    """The same; 0: nothing is declared."""
    stable: int
    """Pods that stable keeps."""
    canary: int
    """Pods of the canary; 0: there is none."""
    taken: int
    """Pods by which KServe lowers stable's minimum."""

    @property
    def minimum(self) -> int:
        return self.stable + self.taken

    def spec(self, part: KubeObject) -> KubeObject:
        """The part of the service that declares the traffic, with these numbers in it."""
        predictor = {**part["spec"]["predictor"], "minReplicas": self.minimum}
        if self.own_max:
            predictor["maxReplicas"] = max(self.own_max, self.minimum)
        spec = {**part["spec"], "predictor": predictor}
        if "canary" in spec:
            spec["canary"] = [
                {**canary, "predictor": {**canary["predictor"], "minReplicas": self.canary}}
                for canary in spec["canary"]
            ]
        return {**part, "spec": spec}

    def is_declared(self, service: KubeObject) -> bool:
        """Whether the service has these numbers."""
        predictor, canaries = service["spec"]["predictor"], service["spec"].get("canary") or []
        pods = {canary["predictor"].get("minReplicas") for canary in canaries}
        return predictor.get("minReplicas") == self.minimum and pods <= {self.canary}

    def noted(self, data: Mapping[str, str]) -> dict[str, str]:
        """What the record has to have before the service has a new minimum: both; empty when it has.

        data: of the record.
        """
        last = data.get(RAISED, "").split()[-1:]
        if str(self.minimum) in data.get(RAISED, "").split():
            return {}
        both = " ".join([*last, str(self.minimum)])
        return {OWN_MIN: str(self.own_min), OWN_MAX: str(self.own_max), RAISED: both}

    def record(self) -> dict[str, str]:
        """Its keys in the record."""
        keys = {OWN_MIN: self.own_min, OWN_MAX: self.own_max, RAISED: self.minimum}
        if self.canary:
            keys |= {SIZE: self.stable, CANARY_PODS: self.canary}
        return {key: str(value) for key, value in keys.items()}


def planned(
    service: KubeObject, data: Mapping[str, str], pods: list[KubeObject], traffic: Traffic, percent: int
) -> Capacity | None:
    """The capacity for a canary at this share, or for stable alone.

    Args:
        data: of the record.
        traffic: what is to be declared.
        percent: the canary's largest share to come before the next plan.

    Returns:
        None when there is no canary and nothing was ever raised: the manifests' numbers stay theirs.
    """
    predictor = service["spec"]["predictor"]
    own_min, own_max = predictor.get("minReplicas", 1), predictor.get("maxReplicas", 0)
    if str(own_min) in data.get(RAISED, "").split():
        own_min, own_max = int(data[OWN_MIN]), int(data[OWN_MAX])
    if traffic.stable is None or traffic.canary is None:
        alone = Capacity(own_min=own_min, own_max=own_max, stable=own_min, canary=0, taken=0)
        return alone if RAISED in data else None
    same = data.get("canary-version") == traffic.canary.name
    ready = min(len(ready_pods(pods, traffic.stable.predictor)), max(own_min, own_max))
    stable = max(own_min, ready, int(data.get(SIZE, 0)) if same else 0, 1)
    least = min(PODS_OF_A_CANARY, stable)
    canary = max(least, math.ceil(stable * percent / 100), int(data.get(CANARY_PODS, 0)) if same else 0)
    # From the first ready pod of the canary on; its minimum stays when they die, for stable takes the requests then.
    was_taken = same and int(data.get(RAISED, "0").split()[-1]) > int(data.get(SIZE, 0))
    taken = canary if was_taken or canary_up(traffic.canary.predictor)(service, pods) else 0
    return Capacity(own_min=own_min, own_max=own_max, stable=stable, canary=min(canary, stable), taken=taken)
