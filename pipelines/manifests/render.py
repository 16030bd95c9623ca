"""`python -m pipelines.manifests`: the manifests of an overlay, and those that are written by code.

manifests/rollout/ is written from manifests/base/inferenceservice.yaml by the functions that push and rollout use, so
that what is shown there is what they apply; the images of components/images from components/kfp_support/images.json.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

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
from model.errors import AisleError, InputError
from model.files import write_text
from model.system.programs import find_program
from pipelines.manifests.gateway_routes import shadow, testers
from pipelines.manifests.images import renamed

ROOT = Path(__file__).resolve().parent.parent.parent / "manifests"
OVERLAYS = ("kind", "prod", "knative")
STABLE = Version(name="2017-11-06-5b1e9a0c7d21", uri="s3://mlpipeline/v2/artifacts/aisle-training/run-1/model")
CANARY = Version(name="2017-12-04-c0ffee123456", uri="s3://mlpipeline/v2/artifacts/aisle-training/run-2/model")


def versions(path: Path = ROOT / "versions.env") -> dict[str, str]:
    """{name: version} of manifests/versions.env."""
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split("=", 1) for line in lines if line)


def build(overlay: Path) -> list[dict[str, Any]]:
    """All objects of a kustomization. Raises InputError when it does not build, or neither tool is there."""
    tools = {"kustomize": ["build"], "kubectl": ["kustomize"]}
    found = {tool: path for tool in tools if (path := find_program(tool)) is not None}
    if not found:
        raise InputError("expected kustomize or kubectl on the PATH, found neither; install one of them")
    tool, path = next(iter(found.items()))
    done = subprocess.run([path, *tools[tool], str(overlay)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{overlay}: does not build ({done.stderr.strip()[:300]})")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def rollout_states() -> dict[str, list[dict[str, Any]]]:
    """{file name: service and record} of one rollout: before it, at 10 %, promoted, rolled back."""
    service = yaml.safe_load((ROOT / "base" / "inferenceservice.yaml").read_text(encoding="utf-8"))
    stable = Traffic(stable=STABLE)
    canary = with_canary(stable, CANARY, 10)
    states = {"stable": stable, "canary": canary, "promoted": promoted(canary), "rolled-back": rolled_back(canary)}
    namespace = service["metadata"]["namespace"]
    return {
        f"{name}.yaml": [
            merged(service, declared(traffic, mode(service), namespace)),
            record(traffic, namespace),
        ]
        for name, traffic in states.items()
    }


def rollout_routes() -> dict[str, list[dict[str, Any]]]:
    """{file name: objects} of the routes that a rollout may have besides, for the same two versions."""
    namespace = rollout_states()["canary.yaml"][0]["metadata"]["namespace"]
    policies = ROOT / "components" / "gateway" / "security.yaml"
    return {
        "testers.yaml": testers(STABLE, CANARY, namespace, policies),
        "shadow.yaml": shadow(STABLE, CANARY, namespace, policies, 100),
    }


def written() -> dict[str, str]:
    """{path under manifests/: text} of every file that code writes."""
    note = "# Written by `python -m pipelines.manifests`; edit manifests/base/inferenceservice.yaml instead.\n"
    states = {
        f"rollout/{name}": note + yaml.safe_dump_all(objects, sort_keys=False, width=120)
        for name, objects in rollout_states().items()
    }
    note = "# Written by `python -m pipelines.manifests` from pipelines/manifests/gateway_routes.py.\n"
    routes = {
        f"rollout/{name}": note + yaml.safe_dump_all(objects, sort_keys=False, width=120)
        for name, objects in rollout_routes().items()
    }
    return states | routes | {"components/images/kustomization.yaml": _images()}


def _images() -> str:
    note = "# Written by `python -m pipelines.manifests` from components/kfp_support/images.json.\n"
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": renamed(IMAGES),
        "configurations": ["fields.yaml"],
    }
    return note + yaml.safe_dump(component, sort_keys=False, width=120)


def write_manifests(out: Path, check: bool = False) -> list[Path]:
    """Writes them under `out`; returns the files that changed. With `check` nothing is written."""
    changed = []
    for name, text in written().items():
        target = out / name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            changed.append(target)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_text(target, text)
    return changed


def main(argv: Sequence[str] | None = None) -> int:
    """Writes what code writes; with --check exits 1 when a file would change."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file would change")
    options = parser.parse_args(argv)
    try:
        changed = write_manifests(ROOT, options.check)
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    for path in changed:
        print(f"{'would change' if options.check else 'wrote'} {path}")
    return 1 if options.check and changed else 0
