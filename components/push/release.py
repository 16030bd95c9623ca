"""Push to a cluster: what was pushed to the registry is declared as canary, under the address of its artifact."""

from pathlib import Path
from typing import Any

from components.inference_service.cluster_client import Cluster, KubeCluster
from components.inference_service.shift import Patience
from components.inference_service.traffic import Version, mode, s3_uri
from components.kfp_support.progress import progress
from components.push.canary_deploy import deploy
from components.push.run import FIRST_STABLE
from components.push.smoke_test import address, ask
from model.errors import ModelRefused
from model.files import read_json
from model.package.manifest import read_manifest


def release(
    outcome_path: str,
    candidate: tuple[str, str],
    baselines: tuple[str, str],
    percent: int,
    cluster: Cluster,
    patience: Patience | None = None,
) -> dict[str, Any]:
    """Does nothing unless the registry's push took this very candidate.

    Args:
        outcome_path: what components.push.run.push returned, as JSON.
        candidate: (directory here, artifact address) of the model.
        baselines: the same of the baselines; the first of them to serve stands in while the service has no model.
        percent: the canary's share, 0 to 100.

    Returns:
        {released, ...}, with deploy's result when it was.

    Raises:
        ModelRefused: the outcome speaks of another model.
        InputError, CheckFailed: as components.push.canary_deploy.deploy.
    """
    outcome = read_json(Path(outcome_path))
    if outcome.get("pushed") is not True:
        progress(f"nothing to release: {outcome.get('reason')}")
        return {"released": False, "reason": outcome.get("reason")}
    new = _version(*candidate)
    if outcome.get("version") != new.name:
        raise ModelRefused(f"expected the outcome of {new.name}, got that of {outcome.get('version')}; run push again")
    first = _version(f"{baselines[0]}/{FIRST_STABLE}", f"{baselines[1]}/{FIRST_STABLE}")
    found_mode = mode(cluster.service())

    def smoke(predictor: str) -> None:
        ask(address(found_mode, predictor, cluster.namespace), new.name)

    return {"released": True} | deploy(cluster, first, new, percent, smoke, patience or Patience())


def release_to(namespace: str, outcome_path: str, candidate: Any, baselines: Any, percent: int) -> dict[str, Any]:
    """`release` to the cluster that this runs in. candidate, baselines: artifacts with `path` and `uri`."""
    places = ((candidate.path, candidate.uri), (baselines.path, baselines.uri))
    return release(outcome_path, *places, percent, KubeCluster(namespace))


def _version(directory: str, uri: str) -> Version:
    return Version(name=read_manifest(Path(directory)).version, uri=s3_uri(uri))
