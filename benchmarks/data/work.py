"""One piece of work on the data, in a process of its own."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.data import pandas_engine
from components.artifacts.tables import Tables
from components.examples.run import build_examples, read_trips
from components.ingest.run import ingest
from model.files import read_json, write_json
from tfx_configs.recipes import full
from tfx_configs.stages import ExamplesStage


def main(work: str, source: str, out: str) -> None:
    """Does it and writes OUT/WORK.json with the seconds of each part; imports are not counted, a JVM's start is.

    Args:
        work: duckdb, spark or pandas (ingest and trips of the source into `out`), or examples (the whole stage of that
            name, on the tables of `out`).
    """
    # Should the machine run out of memory, this process is the one to end.
    Path("/proc/self/oom_score_adj").write_text("1000")
    seconds = {}
    for part, run in parts(work, Path(source), Path(out)).items():
        began = time.perf_counter()
        run()
        seconds[part] = time.perf_counter() - began
    write_json(Path(out) / f"{work}.json", seconds)


def parts(work: str, source: Path, out: Path) -> dict[str, Callable[[], object]]:
    """{name: what runs it}, one after the other, by the main job's settings on another copy of its source."""
    engine: Any = work if work == "spark" else "duckdb"
    run, tables = full(), out / "tables"
    run = run.replace(data=run.data.replace(path=str(source), engine=engine))
    read = ExamplesStage.of(run)
    if work == "examples":
        return {"examples_s": lambda: build_examples(run=read, tables_dir=tables, examples_dir=out / "examples")}
    if work == "pandas":
        return {
            "ingest_s": lambda: pandas_engine.ingest(source, tables),
            "trips_s": lambda: pandas_engine.trips(tables, run.data, run.features.max_history).save(out / "trips"),
        }
    return {
        "ingest_s": lambda: ingest(data=run.data, tables_dir=tables),
        "trips_s": lambda: read_trips(read, Tables(tables), read_json(tables / "ingest.json")["cut_s"])[0].save(
            out / "trips"
        ),
    }
