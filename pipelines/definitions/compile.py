"""Compiles the pipelines to KFP's YAML; the files are goldens that CI compares.

Each pipeline for a cluster is written twice: NAME.yaml, which KFP's page and `aisle submit` take, and
kubernetes/NAME.yaml, the same as objects Pipeline and PipelineVersion for `kubectl apply` or a GitOps tool, where KFP
runs with pipelines kept in Kubernetes.
"""

import hashlib
import tempfile
from pathlib import Path

from kfp.compiler import Compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from model.files import write_text
from pipelines.definitions.monitoring import monitoring
from pipelines.definitions.rollout_step import rollout
from pipelines.definitions.train_and_release import cluster
from pipelines.definitions.training import training

PIPELINES = {"training.yaml": training, "cluster.yaml": cluster, "rollout.yaml": rollout, "monitoring.yaml": monitoring}
LOCAL = "training.yaml"
"""Without what a cluster adds to it: no objects of its own."""
NAMESPACE = "kubeflow"


def compile_all(out: Path, check: bool = False) -> list[Path]:
    """Compiles every pipeline into `out`; returns the files that changed. With `check` nothing is written."""
    changed = []
    for name, text in texts().items():
        target = out / name
        if not target.exists() or target.read_text() != text:
            changed.append(target)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_text(target, text)
    return changed


def texts() -> dict[str, str]:
    """{path under the output directory: text}."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "pipeline.yaml"
        for name, pipeline in PIPELINES.items():
            Compiler().compile(pipeline, str(file))
            found[name] = file.read_text()
            if name != LOCAL:
                # KFP refuses a change of a PipelineVersion: another text is another version.
                digest = hashlib.sha256(found[name].encode()).hexdigest()[:12]
                options = KubernetesManifestOptions(
                    pipeline_version_name=f"{pipeline.name}-{digest}",
                    namespace=NAMESPACE,
                    include_pipeline_manifest=True,
                )
                Compiler().compile(
                    pipeline, str(file), kubernetes_manifest_options=options, kubernetes_manifest_format=True
                )
                found[f"kubernetes/{name}"] = file.read_text()
    return found
