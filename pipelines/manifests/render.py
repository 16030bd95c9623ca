"""The manifests that code makes.

manifests/rollout/ is written from manifests/base/inferenceservice.yaml by the functions that push and rollout use, so
that it shows what they apply; components/images/ is written from components/kfp_support/images.json.
"""

from pathlib import Path

import yaml

from components.inference_service.capacity import PODS_OF_A_CANARY, Capacity
from components.inference_service.traffic import (
    Traffic,
    Version,
    declared,
    merged,
    mode,
    promoted,
    record,
    rolled_back,
    with_canary,
)
from components.kfp_support.images import IMAGES
from model.files import write_changed
from pipelines.manifests.gateway_routes import Manifest, route
from pipelines.manifests.images import renamed

ROOT = Path(__file__).resolve().parent.parent.parent / "manifests"
STABLE = Version(name="2017-11-06-5b1e9a0c7d21", uri="s3://mlpipeline/v2/artifacts/aisle-training/run-1/model")
CANARY = Version(name="2017-12-04-c0ffee123456", uri="s3://mlpipeline/v2/artifacts/aisle-training/run-2/model")


def versions(path: Path = ROOT / "versions.env") -> dict[str, str]:
    """{name: version} of manifests/versions.env."""
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("=", 1) for line in lines if line)


def rollout_states() -> dict[str, list[Manifest]]:
    """{file name: service and record} of one rollout: before it, at 10 %, promoted, rolled back."""
    service = yaml.safe_load((ROOT / "base" / "inferenceservice.yaml").read_text(encoding="utf-8"))
    stable = Traffic(stable=STABLE)
    canary = with_canary(stable, CANARY, 10)
    states = {"stable": stable, "canary": canary, "promoted": promoted(canary), "rolled-back": rolled_back(canary)}
    return {f"{name}.yaml": _state(service, traffic) for name, traffic in states.items()}


def _state(service: Manifest, traffic: Traffic) -> list[Manifest]:
    """Service and record, with the pods of a canary that is ready."""
    namespace, predictor = service["metadata"]["namespace"], service["spec"]["predictor"]
    part, written = declared(traffic, mode(service), namespace), record(traffic, namespace)
    if traffic.canary is not None:
        own_min, own_max = predictor["minReplicas"], predictor["maxReplicas"]
        canary = min(PODS_OF_A_CANARY, own_min)
        capacity = Capacity(own_min=own_min, own_max=own_max, stable=own_min, canary=canary, taken=canary)
        part, written["data"] = capacity.spec(part), written["data"] | capacity.record()
    return [merged(service, part), written]


def rollout_routes() -> dict[str, list[Manifest]]:
    """{file name: objects} of the optional routes of a rollout, for the same two versions."""
    namespace = rollout_states()["canary.yaml"][0]["metadata"]["namespace"]
    policies = ROOT / "components" / "gateway" / "security.yaml"
    return {f"{kind}.yaml": route(kind, STABLE, CANARY, namespace, policies) for kind in ("testers", "shadow")}


def manifest_texts() -> dict[str, str]:
    """{path under manifests/: text} of every file that code writes."""
    images = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": renamed(IMAGES),
        "configurations": ["fields.yaml"],
    }
    sources = {
        "; edit manifests/base/inferenceservice.yaml instead": ("rollout", rollout_states()),
        " from pipelines/manifests/gateway_routes.py": ("rollout", rollout_routes()),
        " from components/kfp_support/images.json": ("components/images", {"kustomization.yaml": [images]}),
    }
    return {
        f"{folder}/{name}": f"# Written by `python -m pipelines.manifests`{source}.\n"
        + yaml.safe_dump_all(objects, sort_keys=False, width=120)
        for source, (folder, files) in sources.items()
        for name, objects in files.items()
    }


def write_manifests(out: Path, check: bool = False) -> list[Path]:
    """Writes them under `out`; returns the files that changed. With `check` nothing is written."""
    return write_changed({out / name: text for name, text in manifest_texts().items()}, check)
