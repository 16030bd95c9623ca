"""How long does `make demo` take on a clean clone, how much memory, and how good is what comes out?

`python -m benchmarks demo` clones what is committed, sets both environments up with empty package caches, and runs the
demo twice: cold, then with its cache. It writes build/bench/demo.json.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.harness import process as child
from model.files import read_json

SAMPLE_S, SEED = 1.0, 7


def main(
    fast: Annotated[bool, typer.Option("--fast", help="the small sample, to try the benchmark itself")] = False,
    clone: Annotated[Path, typer.Option(help="where to clone to; emptied")] = Path("build/bench/clone"),
) -> dict[str, Any]:
    clone = clone.absolute()
    shutil.rmtree(clone, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
    setup = _make(clone, "setup")
    out = clone / "build" / "demo"
    runs = []
    for name in ("cold", "cached"):
        run = _make(clone, "demo", f"ARGS={'--fast' if fast else ''}")
        runs.append({"name": name, **run, "stages": read_json(out / "summary.json")["seconds"]})
    summary = read_json(out / "summary.json")
    metrics = read_json(out / read_json(out / "outputs.json")["evaluation"] / "metrics.json")
    parts = {name: summary[name] for name in ("data", "judged_trips", "quality", "gate", "rollout", "serving")}
    return {"setup": setup, "runs": runs, **parts, "paired": metrics["paired"]}


def _make(clone: Path, *words: str) -> dict[str, Any]:
    """Runs make: wall seconds, and the largest sum of resident memory of the command and all its children."""
    environment = os.environ | {"UV_CACHE_DIR": str(clone / ".uv-cache"), "PIP_NO_CACHE_DIR": "1"}
    ended = child.run(["make", *words], sample_s=SAMPLE_S, folder=clone, environment=environment)
    ended.check(f"`make {words[0]}`")
    return {"seconds": ended.seconds, "peak_mb": ended.peak_mb}
