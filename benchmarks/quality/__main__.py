"""Is Aisle better than its peers? Every ranker on the same trips at several cuts of The Complete Journey.

`python -m benchmarks quality [--cuts ...] [--seeds ...] [--skip STEP]` does for each cut what is not there yet, in
build/bench/quality/CUT, and writes build/bench/quality.json after every step. Remove a cut's folder, or a file in
its lists/, to measure it again. `--report` only writes the result from what is there. Settings of the peers that
benchmarks/results/quality.json chose on the same trips are not searched again, unless with `--search`.
"""

import calendar
import dataclasses
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from benchmarks.harness import process as child
from benchmarks.harness.result_file import RESULTS
from benchmarks.peers.registry import PEERS
from benchmarks.quality import result as quality_result
from benchmarks.quality.result import TREES, TUTORIAL
from benchmarks.quality.work import list_name
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.kfp_support.progress import progress
from model.data.time_split import day
from model.errors import StageFailed
from model.files import read_json, write_json
from tfx_configs.recipes import full

CUTS = ("2017-10-09", "2017-11-06", "2017-12-04")
SEEDS = (7, 8, 9)
"""The first trains at every cut, the others at the last cut only."""
Step = Literal["classical", "aisle", "trees", "tutorial"]
FOLDER = RESULTS / "quality"


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
    folder = FOLDER / cut
    if not (folder / "examples").exists():
        make_examples(cut, folder)
    wanted = [(step, seeds[0]) for step in steps]
    wanted += [("aisle", seed) for seed in seeds[1:] if "aisle" in steps]
    for step, seed in wanted:
        if all((folder / "lists" / f"{name}.json").exists() for name in _leaves(step, seed)):
            continue
        progress(f"{cut}: {step}, seed {seed}")
        work = "search" if search and step == "classical" else step
        command = [sys.executable, "-m", "benchmarks.quality.work", work, str(folder), str(seed)]
        ended = child.run(command, environment=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        if ended.code:
            raise StageFailed(f"expected step {step} of cut {cut} to end well, got exit code {ended.code}; see above")
        write_json(folder / f"step-{list_name(step, seed)}.json", dataclasses.asdict(ended))
        quality_result.write(FOLDER, seeds[0])


def _leaves(step: str, seed: int) -> Sequence[str]:
    """Names of the lists that a step writes."""
    lists = {"classical": list(PEERS), "aisle": [list_name(step, seed)], "trees": [TREES], "tutorial": [TUTORIAL]}
    return lists[step]


def make_examples(cut: str, folder: Path) -> None:
    """Examples as of the cut."""
    tables, settings = FOLDER / "tables", full(cut_date=cut)
    if not tables.exists():
        ingest(data=settings.data, tables_dir=tables)
    moved = tables_as_of(tables, folder / "tables", seconds(cut))
    build_examples(run=settings, tables_dir=moved, examples_dir=folder / "examples")
    shutil.rmtree(moved)


def tables_as_of(tables: Path, moved: Path, cut_s: int) -> Path:
    """Links to the tables with another cut; only the moment of the cut in ingest's report depends on it."""
    if not moved.exists():
        moved.mkdir(parents=True)
        for path in tables.iterdir():
            (moved / path.name).symlink_to(path.resolve())
        (moved / "ingest.json").unlink()
        write_json(moved / "ingest.json", read_json(tables / "ingest.json") | {"cut_s": cut_s, "cut": day(cut_s)})
    return moved


def seconds(date: str) -> int:
    """Midnight of YYYY-MM-DD, universal time, in unix seconds."""
    return calendar.timegm(time.strptime(date, "%Y-%m-%d"))
