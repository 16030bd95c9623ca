"""Runs validation in its environment and publishes the result; needs no TFDV itself."""

from collections.abc import Callable, Mapping
from pathlib import Path

from components.artifacts.validation import Validation
from components.kfp_support.environments import call
from components.kfp_support.progress import progress
from model.errors import CheckFailed
from model.files import write_text


def validate_tables(
    tables_dir: str,
    out_dir: str,
    page: str,
    settings: str,
    reference_dir: str,
    log: Callable[[Mapping[str, float]], None],
) -> None:
    """Validates the tables and publishes the result, as `publish` does.

    Args:
        page: the file that shows the report.
        settings: ValidateStage as JSON, which is what the other environment takes.
        reference_dir: validation output of the run that made the stable model; empty: there is none.
    """
    kwargs = {"tables_dir": tables_dir, "out_dir": out_dir, "settings": settings, "reference_dir": reference_dir}
    call("validate", "components.validate.run:validate_from_json", kwargs)
    publish(Validation(Path(out_dir)), Path(page), log)


def publish(validation: Validation, page: Path, log: Callable[[Mapping[str, float]], None]) -> None:
    """Copies the report to `page` and logs the counts. Raises CheckFailed when the verdict is stop."""
    report = validation.report
    write_text(page, validation.page.read_text(encoding="utf-8"))
    counts = report.counts
    log({name: float(count) for name, count in counts.items()})
    progress(f"{counts['rows']:,} rows, {counts['stops']} problems that stop, {counts['warnings']} warnings")
    if report.verdict == "stop":
        raise CheckFailed(f"validation: {counts['stops']} problems stop the run; first: {report.stops[0].line()}")
