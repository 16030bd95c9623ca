"""Does validation catch broken data and leave clean data alone? On The Complete Journey, all of it.

`python -m benchmarks.data.tfdv` writes build/bench/data_tfdv.json: twelve corruptions of the whole year (a schema
reorder counts as handled when it does not stop), and clean spans, none of which may stop: 20 single weeks and 20 times
13 weeks, each starting two weeks after the one before, and compared with it as the last blessed span.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from benchmarks.data.corruptions import CORRUPTIONS, Findings, Frames, write
from benchmarks.harness.result_file import write_result
from components.ingest.run import ingest
from components.kfp_support.environments import call
from tfx_configs.recipes import full
from tfx_configs.settings import RunSettings

SPANS, STEP_DAYS = 20, 14
LENGTHS = {"1 week": (7, 1), "13 weeks": (91, 28)}
"""{name: (days of the span, days of them after the cut)}."""
SEED = 11  # the corruptions' own


def main(
    tables: Annotated[Path | None, typer.Option(help="canonical tables as ingest writes them; default: ingest")] = None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as scratch:
        result = measure(tables, Path(scratch))
    print(f"{result['tfdv']} in {write_result('data_tfdv', result, SEED)}")


def measure(tables: Path | None, scratch: Path) -> dict[str, Any]:
    """Catches and false stops. Only events and items are corrupted and validated; promotions play no part in it."""
    if tables is None:
        tables = scratch / "tables"
        ingest(data=full().data, tables_dir=tables)
    frames = {
        "events": pd.read_parquet(tables / "events").drop(columns="month"),
        "items": pd.read_parquet(tables / "items.parquet"),
    }
    began = time.perf_counter()
    cases, usual = _corrupted(frames, scratch)
    spans = {name: _clean(frames, scratch, name) for name in LENGTHS}
    verdicts = [summary["verdict"] for summaries in spans.values() for summary in summaries.values()]
    return {
        "tfdv": {
            "corruptions_caught": sum(case["handled"] for case in cases),
            "corruptions_total": len(cases),
            "false_stops": verdicts.count("stop"),
            "false_warnings": verdicts.count("warn"),
            "clean_spans": len(verdicts),
        },
        "corruptions": cases,
        "clean_findings": usual,
        "spans": spans,
        "events": len(frames["events"]),
        "validation_seconds": round(time.perf_counter() - began, 1),
        "validation_versions": call("validate", "benchmarks.harness.in_validate:versions", {}),
    }


def _corrupted(frames: Frames, scratch: Path) -> tuple[list[dict[str, Any]], Findings]:
    """The findings of each corruption of the whole year, and those of the clean year."""
    clean = write(frames, scratch / "clean")
    folders = {c.name: c.write(frames, scratch / "corrupted" / c.name) for c in CORRUPTIONS}
    answers = _validated([clean, *folders.values()], scratch / "out", full(), {})
    usual = answers[str(clean)]["result"]["anomalies"]
    cases = []
    for corruption in CORRUPTIONS:
        anomalies = answers[str(folders[corruption.name])]["result"]["anomalies"]
        cases.append({"name": corruption.name, "handled": corruption.handled(anomalies, usual), "findings": anomalies})
    return cases, usual


def _clean(frames: Frames, scratch: Path, name: str) -> dict[str, Any]:
    """{first day: verdict, counts and findings} of the spans of one length."""
    days, test_days = LENGTHS[name]
    run = full()
    root = scratch / name.replace(" ", "-")
    folders = [write(frames | {"events": span}, root / day) for day, span in _spans(frames["events"], days)]
    before = {str(folder): str(root / "out" / last.name) for last, folder in itertools.pairwise(folders)}
    run = run.replace(data=run.data.replace(test_days=test_days))
    answers = _validated(folders, root / "out", run, before)
    return {
        folder.name: answers[str(folder)]["summary"] | {"findings": answers[str(folder)]["result"]["anomalies"]}
        for folder in folders
    }


def _validated(folders: list[Path], out: Path, run: RunSettings, references: dict[str, str]) -> dict[str, Any]:
    names = [str(folder) for folder in folders]
    kwargs = {"folders": names, "out_root": str(out), "settings_json": run.to_json(), "references": references}
    answers: dict[str, Any] = call("validate", "benchmarks.harness.in_validate:validate_all", kwargs)
    return answers


def _spans(events: pd.DataFrame, days: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """(first day, events) of each span."""
    first = events["event_time"].min().normalize()
    for index in range(SPANS):
        begin = first + pd.Timedelta(days=index * STEP_DAYS)
        inside = (events["event_time"] >= begin) & (events["event_time"] < begin + pd.Timedelta(days=days))
        yield str(begin.date()), events[inside]


if __name__ == "__main__":
    typer.run(main)
