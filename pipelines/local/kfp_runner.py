"""Runs the training pipeline on this machine with KFP's own local runner; a process of its own, so it can be ended.

    python -m pipelines.local.kfp_runner REQUEST.json

REQUEST.json: {arguments, pipeline_root, cache_root, result}. The result file gets {output name: path}.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from components.kfp_support.step import PIPELINE_VARIABLE
from model.files import write_json


def run(arguments: dict[str, str], pipeline_root: Path, cache_root: Path) -> dict[str, str]:
    """Runs every stage (or takes it from the cache); returns {output name: path}."""
    from kfp import local

    from pipelines.definitions.training import Outputs, training

    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(pipeline_root),
        enable_caching=True,
        cache_root=str(cache_root),
        raise_on_error=True,
    )
    task = training(**arguments)
    return {name: task.outputs[name].path for name in Outputs._fields}


def main(request: dict[str, Any]) -> None:
    logging.getLogger().setLevel(logging.INFO)
    os.environ[PIPELINE_VARIABLE] = str(os.getpid())
    outputs = run(request["arguments"], Path(request["pipeline_root"]), Path(request["cache_root"]))
    write_json(Path(request["result"]), outputs)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
