"""What Aisle has declared on a cluster, as manifests for Git: a service that was lost comes back with its versions."""

from components.inference_service.cluster_client import Cluster
from components.inference_service.observed import observe
from components.inference_service.traffic import KubeObject, declared, mode, rewritten
from model.errors import CheckFailed

CLAIM_KEYS = ("rollout-claim",)
"""Of the record; another value with every write."""


def exported(cluster: Cluster) -> list[KubeObject]:
    """The service's fields that push and rollout own, and its record; to be applied over an overlay.

    Raises CheckFailed where the service has drifted from its record, InputError where nothing was pushed yet.
    """
    service, config_map = cluster.service(), cluster.record()
    present = observe(service, config_map)
    if present.drift:
        raise CheckFailed(f"expected a service as its record has it, got drift: {present.line()}; see the status")
    record = rewritten(config_map, present.traffic, cluster.namespace)
    record["data"] = {key: value for key, value in record["data"].items() if key not in CLAIM_KEYS}
    return [declared(present.traffic, mode(service), cluster.namespace), record]
