"""Does validation catch broken data and leave clean data alone? On The Complete Journey, all of it.

`python -m benchmarks.data.tfdv` writes build/bench/data_tfdv.json: twelve corruptions of the whole year (a schema
reorder counts as handled when it does not stop), and clean spans, none of which may stop: 20 single weeks and 20 times
13 weeks, each starting two weeks after the one before, and compared with it as the last blessed span. The corruptions
are those of tests/components/validate.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.harness import shop
from benchmarks.harness.result_file import measured_by, write_result
from components.artifacts.validation import Validation
from components.kfp_support.environments import call
from tfx_configs.recipes import full
from tfx_configs.stages import ValidateStage

TEST = "tests/components/validate/corrupted_tables.py"
SPANS, STEP_DAYS = 20, 14
LENGTHS = {"1 week": (7, 1), "13 weeks": (91, 28)}
"""{name: (days of the span, days of them after the cut)}."""
SEED = 11  # the corruptions' own


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as scratch:
        result = measure(shop.tables(), Path(scratch))
    print(f"{result['tfdv']} in {write_result('data_tfdv', result, SEED)}")


def measure(tables: Path, scratch: Path) -> dict[str, Any]:
    """Catches and false stops. Only events and items are corrupted and validated; promotions play no part in it."""
    began = time.perf_counter()
    corrupted = measured_by(TEST, "corruptions", "--corrupted-tables", str(tables.absolute()))
    spans = {name: _clean(tables, scratch / name, *days) for name, days in LENGTHS.items()}
    verdicts = [summary["verdict"] for summaries in spans.values() for summary in summaries.values()]
    return corrupted | {
        "tfdv": {
            "corruptions_caught": sum(case["handled"] for case in corrupted["corruptions"]),
            "corruptions_total": len(corrupted["corruptions"]),
            "false_stops": verdicts.count("stop"),
            "false_warnings": verdicts.count("warn"),
            "clean_spans": len(verdicts),
        },
        "spans": spans,
        "events": len(pd.read_parquet(tables / "events", columns=["event_time"])),
        "validation_seconds": round(time.perf_counter() - began, 1),
    }


def _clean(tables: Path, scratch: Path, days: int, test_days: int) -> dict[str, Any]:
    """{first day: verdict, counts and findings} of the spans of one length."""
    run = full()
    settings = ValidateStage.of(run.replace(data=run.data.replace(test_days=test_days))).to_json()
    events = pd.read_parquet(tables / "events")
    first = events["event_time"].min().normalize()
    runs: list[dict[str, str]] = []
    for index in range(SPANS):
        begin = first + pd.Timedelta(days=index * STEP_DAYS)
        folder = scratch / str(begin.date())
        folder.mkdir(parents=True)
        (folder / "items.parquet").symlink_to((tables / "items.parquet").absolute())
        inside = events["event_time"].between(begin, begin + pd.Timedelta(days=days), inclusive="left")
        events[inside].to_parquet(folder / "events", partition_cols=["month"], index=False)
        before = runs[-1]["out_dir"] if runs else ""
        places = {"tables_dir": str(folder), "out_dir": f"{folder}-validated", "reference_dir": before}
        runs.append(places | {"settings": settings})
    call("validate", "benchmarks.harness.in_validate:validate_all", {"runs": runs})
    return {Path(of["tables_dir"]).name: _summary(Path(of["out_dir"])) for of in runs}


def _summary(validated: Path) -> dict[str, Any]:
    report = Validation.load(validated).report
    first_stop = report.stops[0].line() if report.stops else ""
    findings = report.model_dump(mode="json")["anomalies"]
    return {"verdict": report.verdict, "first_stop": first_stop, "findings": findings} | report.counts


if __name__ == "__main__":
    main()
