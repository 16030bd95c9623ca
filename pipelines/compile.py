"""Compiles the pipelines to KFP's YAML; the files are goldens that CI compares."""

import tempfile
from pathlib import Path

from kfp.compiler import Compiler

from model.files import write_text
from pipelines.cluster import cluster
from pipelines.monitoring import monitoring
from pipelines.rollout_step import rollout
from pipelines.training import training

PIPELINES = {"training.yaml": training, "cluster.yaml": cluster, "rollout.yaml": rollout, "monitoring.yaml": monitoring}


def compile_all(out: Path, check: bool = False) -> list[Path]:
    """Compiles every pipeline into `out`; returns the files that changed. With `check` nothing is written."""
    changed = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, pipeline in PIPELINES.items():
            fresh, target = Path(scratch) / name, out / name
            Compiler().compile(pipeline, str(fresh))
            text = fresh.read_text()
            if not target.exists() or target.read_text() != text:
                changed.append(target)
                if not check:
                    write_text(target, text)
    return changed
