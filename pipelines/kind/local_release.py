"""On a cluster without KFP: a model that this machine trains becomes its canary, as the step *Release* does it."""

import base64
import tempfile
from pathlib import Path

from pyarrow import fs

from components.inference_service.cluster_client import Cluster
from components.inference_service.shift import Patience
from components.inference_service.traffic import NAME, Version
from components.push.canary_deploy import deploy
from components.push.smoke_test import ask
from model.errors import CheckFailed, StageFailed
from model.registry.model_registry import Registry
from model.system.object_store import reason
from model.system.programs import find_program
from pipelines.kind.cluster_secrets import MODEL_BUCKET
from pipelines.kind.port_forward import forwarded
from pipelines.kind.shell import output, transcript

REASON = "a demonstration of a canary: the sample is too small to prove a lead"
BY = "kind-demo"
"""The gate's refusal of the sample's model is overruled, and recorded: this cluster has no shoppers."""
PREFIX = "kind-demo"
"""Of the models' addresses in MODEL_BUCKET."""
STORE_NAMESPACE, STORE_SERVICE, STORE_PORT = "kubeflow", "seaweedfs", 8333
STORE_KEYS = "mlpipeline-minio-artifact"
"""KFP's secret with the keys of its object store."""
PREDICTOR_PORT = 80
PERCENT = 10
REGISTRY = "registry"
"""Where `aisle train` leaves its registry, below --out."""


def release_from_here(cluster: Cluster, run: Path, patience: Patience = Patience()) -> None:
    """Trains unless the run has a canary, copies stable and canary into the cluster's store, and releases the canary.

    Args:
        run: directory of the run, relative to the working directory or absolute.

    Raises:
        StageFailed, CheckFailed: the run leaves no canary, the store cannot be reached, or the cluster does not take it
            (components.push.canary_deploy.deploy).
    """
    registry = Registry(run.resolve() / REGISTRY)
    if registry.state().canary is None:
        _train(run)
    state = registry.state()
    if state.canary is None or state.stable is None:
        raise CheckFailed(f"expected a canary in {registry.root}, got none; the run's output is above")
    with tempfile.TemporaryDirectory(prefix="aisle-") as scratch:
        with forwarded(Path(scratch), STORE_NAMESPACE, STORE_SERVICE, STORE_PORT) as url:
            stable, canary = (_stored(registry, version, url) for version in (state.stable, state.canary))

        def smoke(predictor: str) -> None:
            service = f"{NAME}-{predictor}-predictor"
            with forwarded(Path(scratch), cluster.namespace, service, PREDICTOR_PORT) as there:
                ask(there, canary.name)

        deploy(cluster, stable, canary, PERCENT, smoke, patience)


def _train(run: Path) -> None:
    command = [find_program("aisle") or "aisle", "train", "--fast", "--out", str(run)]
    code, _ = transcript(*command, "--override", REASON, "--override-by", BY)
    if code:
        raise (CheckFailed if code == CheckFailed.exit_code else StageFailed)(
            f"aisle train: exit {code}; its output is above"
        )


def _stored(registry: Registry, version: str, url: str) -> Version:
    """The model of a version, copied into the store at this address."""
    store = fs.S3FileSystem(
        access_key=_key("accesskey"),
        secret_key=_key("secretkey"),
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
    )
    place = f"{MODEL_BUCKET}/{PREFIX}/{version}"
    try:
        fs.copy_files(str(registry.path(version)), place, destination_filesystem=store)
    except OSError as error:
        raise StageFailed(f"{version}: expected to copy it to s3://{place}, cannot ({reason(error)})") from None
    return Version(name=version, uri=f"s3://{place}")


def _key(name: str) -> str:
    text = output("kubectl", "get", "secret", STORE_KEYS, "-n", STORE_NAMESPACE, "-o", f"jsonpath={{.data.{name}}}")
    return base64.b64decode(text).decode()
