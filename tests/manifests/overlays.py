"""The objects of the overlays, each overlay built once."""

import functools
import subprocess
from pathlib import Path
from typing import Any

import yaml

from model.errors import InputError
from model.system.programs import find_program
from pipelines.manifests.render import ROOT

OVERLAYS = ("kind", "prod", "knative")


def build(overlay: Path) -> list[dict[str, Any]]:
    """All objects of a kustomization. Raises InputError when it does not build, or neither tool is there."""
    tools = {"kustomize": ["build"], "kubectl": ["kustomize"]}
    installed = {tool: path for tool in tools if (path := find_program(tool)) is not None}
    if not installed:
        raise InputError("expected kustomize or kubectl on the PATH, found neither; install one of them")
    tool, path = next(iter(installed.items()))
    done = subprocess.run([path, *tools[tool], str(overlay)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{overlay}: does not build ({done.stderr.strip()[:300]})")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@functools.cache
def objects(overlay: str) -> list[dict[str, Any]]:
    return build(ROOT / "overlays" / overlay)


def of_kind(overlay: str, kind: str) -> list[dict[str, Any]]:
    return [o for o in objects(overlay) if o["kind"] == kind]
