"""How long does `make demo` take, how much memory, and how good is what comes out? Twice: cold, then with its cache.

`python -m benchmarks.demo` writes build/bench/demo.json. Environments are set up already; `make demo` on a bare machine
takes their installation on top.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import write_result
from model.errors import StageFailed
from model.files import read_json

SAMPLE_S = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="the small sample, to try the benchmark itself")
    parser.add_argument("--out", type=Path, default=Path("build/bench/demo-run"), help="the demo's directory; emptied")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.out, ignore_errors=True)
    runs = [_run(arguments.out, arguments.fast) for _ in range(2)]
    summary, metrics = read_json(arguments.out / "summary.json"), _metrics(arguments.out)
    result: dict[str, Any] = {
        "runs": [{"name": name, **run} for name, run in zip(("cold", "cached"), runs, strict=True)],
        "data": summary["data"],
        "judged_trips": summary["judged_trips"],
        "quality": summary["quality"],
        "paired": metrics["paired"],
        "gate": summary["gate"],
        "rollout": summary["rollout"],
        "serving": summary["serving"],
    }
    path = write_result("demo", result, seed=7)
    print(f"{runs} in {path}")


def _run(out: Path, fast: bool) -> dict[str, Any]:
    """One demo: wall seconds, and the largest sum of resident memory of the command and all its children."""
    began, peak = time.perf_counter(), 0
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--out", str(out), *(["--fast"] if fast else [])]
    with subprocess.Popen(command) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(SAMPLE_S)
    if process.returncode != 0:
        raise StageFailed(f"expected the demo to end with 0, got {process.returncode}; its words are above")
    seconds = read_json(out / "summary.json")["seconds"]
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mb": round(peak / 1e6), "stages": seconds}


def _resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _metrics(out: Path) -> dict[str, Any]:
    outputs = read_json(out / "outputs.json")
    metrics: dict[str, Any] = read_json(Path(outputs["evaluation"]) / "metrics.json")
    return metrics


if __name__ == "__main__":
    main()
