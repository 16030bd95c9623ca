"""One piece of work on the data, in a process of its own: `python -m benchmarks.data.work WORK SOURCE OUT`.

WORK is duckdb, spark or pandas (ingest and trips of SOURCE into OUT), or examples (the whole stage of that name, on
the tables of OUT). Writes OUT/WORK.json with the seconds of each part; imports are not counted, a JVM's start is.
"""

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.data import pandas_engine as data_pandas
from components.artifacts.tables import Tables
from components.examples.run import build_examples, read_trips
from components.ingest.run import ingest
from model.files import write_json
from tfx_configs.recipes import full
from tfx_configs.settings import RunSettings


def main() -> None:
    work, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    # Should the machine run out of memory, this process is the one to end.
    Path("/proc/self/oom_score_adj").write_text("1000")
    write_json(out / f"{work}.json", _WORKS.get(work, _engine)(work, source, out))


def run_settings(engine: str, source: Path) -> RunSettings:
    """The main job on another copy of its source."""
    run = full()
    engine_name: Any = engine if engine == "spark" else "duckdb"
    return run.replace(data=run.data.replace(path=str(source), engine=engine_name))


def _engine(work: str, source: Path, out: Path) -> dict[str, float]:
    run, tables, began = run_settings(work, source), out / "tables", time.perf_counter()
    report = ingest(data=run.data, tables_dir=tables)
    ingested = time.perf_counter()
    read_trips(run, Tables(tables), report.cut_s).save(out / "trips")
    return {"ingest_s": ingested - began, "trips_s": time.perf_counter() - ingested}


def _pandas(work: str, source: Path, out: Path) -> dict[str, float]:
    run, tables, began = run_settings(work, source), out / "tables", time.perf_counter()
    data_pandas.ingest(source, tables)
    ingested = time.perf_counter()
    data_pandas.trips(tables, run.data, run.features.max_history).save(out / "trips")
    return {"ingest_s": ingested - began, "trips_s": time.perf_counter() - ingested}


def _examples(work: str, source: Path, out: Path) -> dict[str, float]:
    began = time.perf_counter()
    build_examples(run=run_settings(work, source), tables_dir=out / "tables", examples_dir=out / "examples")
    return {"examples_s": time.perf_counter() - began}


_WORKS = {"pandas": _pandas, "examples": _examples}


if __name__ == "__main__":
    main()
