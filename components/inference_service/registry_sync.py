"""The registry follows what serves: on a cluster the record of the service is the one source of roles.

The registry's volume can be attached to one node at a time, so that a rollout, above all a rollback, must not wait for
it. A step that opens the registry on a cluster calls `follow` first.
"""

from components.inference_service.cluster_client import Cluster
from components.inference_service.traffic import read
from model.registry.model_registry import Registry


def follow(registry: Registry, cluster: Cluster) -> None:
    """The registry takes over all roles of the service; a stable version that it does not have changes nothing."""
    registry.follow(read(cluster.record()).names())
