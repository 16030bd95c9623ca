"""What the caller of validation does with its answer; needs no TFDV."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.kfp_support.progress import progress
from model.errors import CheckFailed
from model.files import write_text


def publish(
    summary: dict[str, Any], out_dir: str, report_path: str, log: Callable[[Mapping[str, float]], None]
) -> None:
    """Copies the report to where it is shown and logs the counts. Raises CheckFailed when the verdict is stop."""
    html = (Path(out_dir) / "report.html").read_text(encoding="utf-8")
    write_text(Path(report_path), html)
    log({name: float(summary[name]) for name in ("stops", "warnings", "rows", "columns")})
    progress(f"{summary['rows']:,} rows, {summary['stops']} problems that stop, {summary['warnings']} warnings")
    if summary["verdict"] == "stop":
        raise CheckFailed(f"validation: {summary['stops']} problems stop the run; first: {summary['first_stop']}")
