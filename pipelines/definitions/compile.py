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
from kfp.dsl.graph_component import GraphComponent

from model.files import write_changed
from pipelines.definitions.monitoring import monitoring
from pipelines.definitions.nightly_lists import lists
from pipelines.definitions.rollout_step import rollout
from pipelines.definitions.train_and_release import cluster
from pipelines.definitions.training import training

PIPELINES = {
    "training.yaml": training,
    "cluster.yaml": cluster,
    "rollout.yaml": rollout,
    "monitoring.yaml": monitoring,
    "lists.yaml": lists,
}
LOCAL = "training.yaml"
"""The pipeline of one machine: it has no objects of Kubernetes."""
NAMESPACE = "kubeflow"


def compile_all(out: Path, check: bool = False) -> list[Path]:
    """Compiles every pipeline into `out`; returns the files that changed. With `check` nothing is written."""
    return write_changed({out / name: text for name, text in texts().items()}, check)


def texts() -> dict[str, str]:
    """{path under the output directory: text}."""
    yamls = {}
    for name, pipeline in PIPELINES.items():
        yamls[name] = _compiled(pipeline)
        if name != LOCAL:
            # KFP refuses a change of a PipelineVersion: another text is another version.
            digest = hashlib.sha256(yamls[name].encode()).hexdigest()[:12]
            options = KubernetesManifestOptions(
                pipeline_version_name=f"{pipeline.name}-{digest}", namespace=NAMESPACE, include_pipeline_manifest=True
            )
            yamls[f"kubernetes/{name}"] = _compiled(pipeline, options)
    return yamls


def _compiled(pipeline: GraphComponent, options: KubernetesManifestOptions | None = None) -> str:
    """The YAML of a pipeline: for KFP or, with options, as objects of Kubernetes."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "pipeline.yaml"
        Compiler().compile(
            pipeline,
            str(file),
            kubernetes_manifest_options=options,
            kubernetes_manifest_format=options is not None,
        )
        return file.read_text(encoding="utf-8")
