"""Is Aisle better than its peers? Every ranker on the same trips at several cuts of The Complete Journey.

`python -m benchmarks quality [--cuts ...] [--seeds ...] [--skip STEP]` does for each cut what is not there yet, in
build/bench/quality/CUT, and writes build/bench/quality.json after every step. Remove a cut's folder, or a file in
its lists/, to measure it again. `--report` only writes the result from what is there. Settings of the peers that
benchmarks/results/quality.json chose on the same trips are not searched again, unless with `--search`.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Annotated, Literal, get_args

import typer

from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.shop import CUTS, FOLDER, SEEDS
from benchmarks.peers.registry import PEERS
from benchmarks.quality import result as quality_result
from benchmarks.quality.result import TREES, TUTORIAL
from components.kfp_support.progress import progress
from model.files import write_json

Step = Literal["classical", "aisle", "trees", "tutorial"]


def main(
    cuts: Annotated[str, typer.Option(help="first days of the test spans, YYYY-MM-DD, by comma")] = ",".join(CUTS),
    seeds: Annotated[str, typer.Option(help="training seeds, by comma")] = ",".join(map(str, SEEDS)),
    skip: Annotated[list[Step] | None, typer.Option(help="a step that is left out; may be repeated")] = None,
    search: Annotated[bool, typer.Option("--search", help="settings of the peers are searched again")] = False,
    report: Annotated[bool, typer.Option("--report", help="measure nothing")] = False,
) -> None:
    days, numbers = sorted(cuts.split(",")), [int(seed) for seed in seeds.split(",")]
    if not report:
        steps = [step for step in get_args(Step) if step not in (skip or ())]
        for cut in reversed(days):
            measure(cut, numbers if cut == max(CUTS) else numbers[:1], steps, search)
    print(quality_result.write(FOLDER, numbers[0]))


def measure(cut: str, seeds: Sequence[int], steps: Sequence[str], search: bool) -> None:
    """Everything of one cut that is not there yet, the first seed's before that of the others."""
    folder = shop.examples(cut).parent
    wanted = [(step, seeds[0]) for step in steps]
    wanted += [("aisle", seed) for seed in seeds[1:] if "aisle" in steps]
    for step, seed in wanted:
        lists = {"classical": list(PEERS), "aisle": [f"aisle-{seed}"], "trees": [TREES], "tutorial": [TUTORIAL]}
        if all((folder / "lists" / f"{name}.json").exists() for name in lists[step]):
            continue
        progress(f"{cut}: {step}, seed {seed}")
        work = "search" if search and step == "classical" else step
        command = child.python("benchmarks.quality.work:main", work, folder, str(seed))
        ended = child.run(command, environment=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        ended.check(f"step {step} of cut {cut}")
        write_json(folder / f"step-{step}-{seed}.json", dataclasses.asdict(ended))
        quality_result.write(FOLDER, seeds[0])
