"""The registry follows what serves: a rollout on a cluster moves the service only."""

from components.inference_service.cluster_client import Cluster
from components.inference_service.traffic import read
from model.registry.model_registry import Registry


def follow(registry: Registry, cluster: Cluster) -> None:
    """The registry's stable model becomes the one that serves; one that is not in the registry changes nothing."""
    serving = read(cluster.record()).stable
    if serving is None or not registry.path(serving.name).exists():
        return
    if registry.state().canary == serving.name:
        registry.promote()
    elif registry.state().stable != serving.name:
        registry.set_stable(serving.name)
