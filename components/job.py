"""`python -m components.job STAGE`: one stage as a job of its own, for spark-submit and the Training Operator.

Inside a pipeline the same functions are called by the stage's op.py. Exit codes are those of the command `aisle`.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from model.errors import AisleError
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import RunSettings
from tfx_configs.stages import ExamplesStage, TrainStage


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the stage; returns 0, or 1 or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m components.job", description=__doc__)
    parser.add_argument("stage", choices=("ingest", "examples", "train"))
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="RunSettings as JSON")
    parser.add_argument("--input", type=Path, default=Path(), metavar="DIR", help="output of the stage before")
    parser.add_argument(
        "--workers", metavar="HOST:PORT,...", help="train: addresses of all workers; this one is JOB_COMPLETION_INDEX"
    )
    parser.add_argument("--parent", type=Path, metavar="DIR", help="train: the model it starts from, unless scratch")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where this stage leaves its result")
    options = parser.parse_args(argv)
    stage, out = options.stage, options.out
    try:
        run = RunSettings.from_json(options.settings.read_text(encoding="utf-8"))
        if stage == "ingest":
            from components.ingest.run import ingest

            ingest(data=run.data, tables_dir=out, positive_types=run.labels.positive_types)
        elif stage == "examples":
            from components.examples.run import build_examples

            build_examples(run=ExamplesStage.of(run), tables_dir=options.input, examples_dir=out)
        else:
            if options.workers:
                os.environ["TF_CONFIG"] = _as_one_of(options.workers.split(","))
            from components.train.run import train

            train(run=TrainStage.of(run), examples_dir=options.input, model_dir=out, parent_dir=options.parent)
    except (AisleError, SettingsError, OSError) as error:
        print(f"aisle {stage}: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    return 0


def _as_one_of(addresses: Sequence[str]) -> str:
    """TF_CONFIG of this worker: Kubernetes numbers the pods of an indexed job."""
    task = {"type": "worker", "index": int(os.environ["JOB_COMPLETION_INDEX"])}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


if __name__ == "__main__":
    sys.exit(main())
