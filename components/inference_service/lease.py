"""One controller at a time: a Lease of coordination.k8s.io, as Kubernetes' own controllers hold it.

The Lease is in the manifests, so that a controller needs no right to create one. What a controller changes is claimed
under the record's resourceVersion besides: two that both hold it for a moment cannot both move.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from components.inference_service.cluster_client import LEASE, Cluster
from components.inference_service.traffic import KubeObject
from model.errors import AisleError

DURATION_S = 15.0
"""Without a renewal for so long, by the own clock of the one that waits, the holder counts as gone."""


@dataclass(kw_only=True)
class Lease:
    """Call `held` every few seconds. Not frozen: it remembers when the holder last renewed."""

    cluster: Cluster
    identity: str
    """Of this process."""
    clock: Callable[[], float] = time.monotonic
    _observed: tuple[str, str, int] = field(default=("", "", 0), init=False)
    """(holder, its last renewal, transitions)"""
    _observed_at: float = field(default=0.0, init=False)

    def held(self) -> bool:
        """Takes the lease where it is free, renews it, and returns whether it is held now.

        A server that does not answer, or a change in between, is no.
        """
        try:
            lease = self.cluster.lease()
            spec = lease.get("spec") or {}
            holder = spec.get("holderIdentity") or ""
            current = holder, spec.get("renewTime") or "", int(spec.get("leaseTransitions") or 0)
            if current != self._observed:
                self._observed, self._observed_at = current, self.clock()
            if holder not in ("", self.identity) and self.clock() - self._observed_at < DURATION_S:
                return False
            self._write(lease, holder)
        except AisleError:
            return False
        return True

    def release(self) -> None:
        """Frees it, so that the next controller need not wait; without a server nothing happens."""
        try:
            lease = self.cluster.lease()
            spec = lease.get("spec") or {}
            if spec.get("holderIdentity") == self.identity:
                self.cluster.apply(self._part(lease, {**spec, "holderIdentity": ""}))
        except AisleError:
            return

    def _write(self, lease: KubeObject, holder: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = lease.get("spec") or {}
        renewed: KubeObject = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(DURATION_S),
            "renewTime": now,
            "acquireTime": spec.get("acquireTime") or now,
            "leaseTransitions": int(spec.get("leaseTransitions") or 0),
        }
        if holder != self.identity:
            renewed |= {"acquireTime": now, "leaseTransitions": renewed["leaseTransitions"] + 1}
        self.cluster.apply(self._part(lease, renewed))

    def _part(self, lease: KubeObject, spec: KubeObject) -> KubeObject:
        """With the resourceVersion that was read: of two that take a free lease, one is refused."""
        metadata = {
            "name": LEASE,
            "namespace": self.cluster.namespace,
            "resourceVersion": lease["metadata"]["resourceVersion"],
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
