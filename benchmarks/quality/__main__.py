"""Is Aisle better than its peers? Every ranker on the same trips at several cuts of The Complete Journey.

`python -m benchmarks quality [--cuts ...] [--skip STEP]` chooses the peers' settings at an earlier cut, does for each
cut what is not there yet, in build/bench/quality/CUT, and writes build/bench/quality.json after every step. Remove
chosen.json, a cut's folder or a file in its lists/ to measure it again. `--report` only writes the result.
"""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.shop import CUTS, FOLDER, SEEDS, VALIDATION_CUT
from benchmarks.peers.registry import PEERS
from benchmarks.quality import result as quality_result
from benchmarks.quality.result import AISLE, LISTS, TREES, TUTORIAL
from benchmarks.quality.work import GATE, PROMOTIONS
from components.kfp_support.progress import progress
from model.files import write_json

STEPS = ("classical", "gate", "aisle", "trees", "tutorial")


def main(
    cuts: Annotated[str, typer.Option(help="first days of the test spans, YYYY-MM-DD, by comma")] = ",".join(CUTS),
    skip: Annotated[str, typer.Option(help=f"steps that are left out, by comma, of {', '.join(STEPS)}")] = "",
    report: Annotated[bool, typer.Option("--report", help="measure nothing")] = False,
) -> None:
    if not report:
        if TREES not in quality_result.chosen():
            run("search", shop.examples(VALIDATION_CUT).parent, SEEDS[0])
        for cut in sorted(cuts.split(","), reverse=True):
            measure(cut, [step for step in STEPS if step not in skip.split(",")])
    print(quality_result.write(FOLDER, SEEDS[0]))


def measure(cut: str, steps: Sequence[str]) -> None:
    """Everything of one cut that is not there yet."""
    folder = shop.examples(cut).parent
    for step, seed in [(name, seed) for name in steps for seed in (SEEDS if name == "aisle" else SEEDS[:1])]:
        lists = {
            "classical": list(PEERS),
            "gate": [*GATE.values(), PROMOTIONS],
            "aisle": [f"{AISLE}-{seed}"],
            "trees": [f"{TREES}-{each}" for each in SEEDS],
            "tutorial": [TUTORIAL],
        }
        if not all((folder / LISTS / f"{name}.json").exists() for name in lists[step]):
            run(step, folder, seed)
            quality_result.write(FOLDER, SEEDS[0])


def run(step: str, folder: Path, seed: int) -> None:
    """One step in a process of its own; leaves what it cost."""
    progress(f"{folder.name}: {step}, seed {seed}")
    command = child.python("benchmarks.quality.work:main", step, folder, str(seed))
    ended = child.run(command, environment=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    ended.check(f"step {step} of cut {folder.name}")
    write_json(folder / f"step-{step}-{seed}.json", dataclasses.asdict(ended))
