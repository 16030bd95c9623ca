"""Runs the training pipeline on this machine with KFP's own local runner; a process of its own, so it can be ended.

    python -m pipelines.local.kfp_runner REQUEST.json

REQUEST.json: a PipelineRequest. The file `result.json` beside it gets {output name: path}.
"""

import logging
import os
import sys
from pathlib import Path

from components.kfp_support.step import PIPELINE_VARIABLE
from model.files import write_json
from pipelines.local.run_directory import Paths, PipelineRequest


def run(request: PipelineRequest, paths: Paths) -> dict[str, str]:
    """Runs every stage (or takes it from the cache); returns {output name: path}."""
    from kfp import local

    from pipelines.definitions.training import Outputs, training

    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(paths.pipeline_root),
        enable_caching=True,
        cache_root=request.cache_root,
        raise_on_error=True,
    )
    task = training(**request.arguments)
    return {name: task.outputs[name].path for name in Outputs._fields}


def main(file: Path) -> None:
    logging.getLogger().setLevel(logging.INFO)
    os.environ[PIPELINE_VARIABLE] = str(os.getpid())
    paths = Paths(out=file.parent)
    write_json(paths.result, run(PipelineRequest.read(file), paths))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
